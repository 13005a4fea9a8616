"""Where numbers depend on the stack, a missing run trains again within its whole block."""

from pathlib import Path

import pytest
from sweeping import command, runs_of, sweep

STUDY = """\
question: Does the rate matter?
baseline:
  data: {{_target_: mylab.data.rings}}
  model: {{_target_: mylab.nets.Net, norm: true, dropout: {dropout}}}
  trainer.epochs: 3
  trainer.stack: 3
factors:
  lr: {{key: optimizer.lr, levels: [0.05, 0.1]}}
replicates: 5
report: [table]
"""


@pytest.mark.long
def test_a_sweep_cut_short_ends_with_the_numbers_of_one_that_was_not(tmp_path: Path) -> None:
    """A module of one's own on the general path: alone it differs in the last digits."""
    for folder in (tmp_path, tmp_path / "alone"):
        folder.mkdir(exist_ok=True)
        (folder / "mine.yaml").write_text(STUDY.format(dropout=0.0))
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert "one by one" not in output
    whole = runs_of(tmp_path)
    assert sweep(tmp_path / "alone", "trainer.stack=off")[0] == 0
    assert runs_of(tmp_path / "alone") != whole
    results = sorted(tmp_path.glob("runs/mine/*/*/result.json"))
    lost, there = [results[1], results[8]], [results[0], results[3]]
    before = {path: path.stat().st_mtime_ns for path in there}
    for path in lost:
        path.unlink()
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert runs_of(tmp_path) == whole
    assert {path: path.stat().st_mtime_ns for path in there} == before
    cell = results[1].parent.parent.name
    verified = command("verify", f"mine/{cell}/1", cwd=tmp_path)
    assert "the same bits" in verified.communicate()[0]


@pytest.mark.long
def test_a_model_that_cannot_be_stacked_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY.format(dropout=0.5))
    code, output = sweep(tmp_path, "replicates=2")
    assert code == 0, output
    assert "model=mylab.nets.Net trains one by one, which may be slower: vmap: called" in output
