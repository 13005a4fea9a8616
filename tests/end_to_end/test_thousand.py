"""A finished study of 1,000 runs answers quickly. CPU time, since machines are shared."""

import resource
import sys
from pathlib import Path

import pytest
from sweeping import command

STUDY = """\
question: How long does everything but training take?
baseline:
  data: digits
  model.depth: 1
  model.width: 16
  trainer.epochs: 2
  probe.steps: ends
factors:
  scale: {key: init.scale, levels: [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5], axis: log}
  lr: {key: optimizer.lr, levels: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], axis: log}
replicates: 10
smallest_effect: 0.5
claims:
  faster: {text: Larger is better., compare: {lr: [0.1, 0.01]}, expect: greater}
report:
  - table: {rows: scale, columns: lr}
  - heatmap
  - factor_response: {x: lr, lines: scale}
  - learning_curves: {lines: scale, rows: lr, only: {lr: ["0.01"]}}
"""


def cpu_seconds(cwd: Path, *words: str) -> tuple[float, str]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = command(*words, cwd=cwd)
    output, _ = process.communicate(timeout=900)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, output
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_runs(tmp_path: Path) -> None:
    (tmp_path / "thousand.yaml").write_text(STUDY)
    _, output = cpu_seconds(tmp_path, "sweep", "study=thousand.yaml")
    assert "1000/1000 runs" in output
    assert "MLflow is not reachable" not in output
    again, output = cpu_seconds(tmp_path, "sweep", "study=thousand.yaml")
    assert "nothing to do: all 1000 runs" in output
    report, _ = cpu_seconds(tmp_path, "report", "thousand")
    status, output = cpu_seconds(tmp_path, "status")
    assert "1000 runs" in output
    print(
        f"nothing to do {again:.1f} s, report {report:.1f} s, status {status:.1f} s",
        file=sys.stderr,
    )
    assert again < 3
    assert report < 10
    assert status < 1
