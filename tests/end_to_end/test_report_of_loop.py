"""A training loop of one's own in a report: its curves and layers, or what it did not tell."""

from pathlib import Path

import pytest
from sweeping import sweep

STUDY = """\
question: Does the rate matter?
baseline:
  data: {_target_: mylab.data.rings}
  trainer: {_target_: LOOP}
  stopping: patience
  stopping.patience: 1
  optimizer: sgd
factors:
  optimizer.lr: [0.01, 0.3]
replicates: 2
report: [table, learning_curves, stopping_points, activation_distribution, {factor_response: {probe: std}}]
"""


@pytest.mark.long
def test_what_a_loop_tells_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY.replace("LOOP", "mylab.loops.plain"))
    code, said = sweep(tmp_path, "launch.workers=1")
    assert code == 0, said
    assert "is missing" not in said
    figures = {path.name for path in (tmp_path / "reports" / "mine").glob("*.png")}
    for kind in ("learning_curves", "stopping_points", "activation_distribution", "factor_resp"):
        assert any(name.startswith(kind) for name in figures), (kind, figures)


@pytest.mark.long
def test_what_no_run_told_is_said_in_the_report(tmp_path: Path) -> None:
    """Two evaluations without an epoch, and no look at any layer."""
    rows = "[{at: 1, validation/loss: 0.5}, {at: 2, train/loss: 0.6, validation/loss: 0.4}]"
    own = f"mylab.train.tells, rows: {rows}"
    (tmp_path / "mine.yaml").write_text(STUDY.replace("LOOP", own))
    code, said = sweep(tmp_path, "launch.workers=1")
    assert code == 1, said
    sentence = "no run told of its layers (run.probe in the training procedure)."
    assert f"activation_distribution is missing: {sentence}" in said
    assert f"factor_response is missing: {sentence}" in said
    over = "it is drawn over epochs, and no evaluation says its epoch."
    assert f"stopping_points is missing: {over}" in said
    assert "learning_curves is missing" not in said
