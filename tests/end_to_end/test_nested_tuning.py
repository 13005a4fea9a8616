"""Nested tuning through a whole sweep: cut short, gone on with, explained, and on the page."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
from sweeping import REACH, runs_of, sweep
from warm import ablate

from ablate.store.reader import tuned_value
from ablate.store.result import read_result

pytestmark = pytest.mark.long  # whole sweeps, a dozen

#: Two rates, of which one may be the better for one replicate and the other for the next.
STUDY = """\
question: Which initialization?
baseline: {data: digits, data.train_size: 150, trainer.epochs: 2, model.depth: 1, model.width: 8}
factors: {init: {levels: [he, xavier]}}
tune: {optimizer.lr: [0.2, 0.3]}
replicates: 3
report: [table]
"""


def chosen_by(folder: Path, classes: int = 10) -> dict[tuple[str, str], float]:
    """Return the rate that is best in each replicate's tuning runs, from their result files.

    One that did not converge has the loss of guessing.
    """
    losses: dict[tuple[str, str], dict[float, float]] = {}
    for path in folder.glob("runs/mine/*/tune/*/*/result.json"):
        cell, _, value, replicate, _ = path.parts[-5:]
        result = json.loads(path.read_text())
        lost = result["status"] == "diverged"
        loss = math.log(classes) if lost else result["metrics"]["validation/loss"]
        losses.setdefault((cell, replicate), {})[float(value)] = loss
    return {place: min(found, key=lambda one: found[one]) for place, found in losses.items()}


def rates_of(folder: Path) -> dict[tuple[str, str], float]:
    """Return the rate that each scored run was trained with."""
    entries = [path.parent for path in folder.glob("runs/mine/*/[0-9]/result.json")]
    results = {entry: read_result(entry) for entry in entries}
    return {
        entry.parts[-2:]: tuned_value(entry, "optimizer.lr", result)
        for entry, result in results.items()
        if result is not None
    }


def test_a_nested_sweep_scores_what_each_replicate_chose(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    planned = ablate("plan", "study=mine.yaml", cwd=tmp_path)
    assert "+ 12 tuning runs (nested)" in planned.stdout, planned.stdout + planned.stderr
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert "12/12 tuned" in output
    assert "6/6 runs" in output
    assert rates_of(tmp_path) == chosen_by(tmp_path)
    assert set(rates_of(tmp_path).values()) == {0.2, 0.3}  # else nothing here would be nested
    whole = runs_of(tmp_path)
    report = tmp_path / "reports" / "mine"
    with (report / "table-2.csv").open() as file:
        lines = list(csv.DictReader(file))
    told = {(one["cell"], one["replicate"]): float(one["optimizer.lr"]) for one in lines}
    assert told == rates_of(tmp_path)
    page = (report / "README.md").read_text()
    assert " (2 of 3)" in page
    assert sweep(tmp_path)[1].count("nothing to do") == 1
    # Cut short: one tuning run and a scored one are gone.
    for path in ("*/tune/0.3/1", "*/2"):
        shutil.rmtree(next(tmp_path.glob(f"runs/mine/{path}")))
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert runs_of(tmp_path) == whole
    assert rates_of(tmp_path) == chosen_by(tmp_path)
    _verified(tmp_path)


def _verified(folder: Path) -> None:
    cell, replicate = next(iter(rates_of(folder)))
    done = ablate("verify", f"mine/{cell}/{replicate}", cwd=folder)
    assert "the same bits" in done.stdout, done.stdout + done.stderr
    done = ablate("trace", "mine", "table 1", "he", cwd=folder)
    assert done.stdout.count("optimizer.lr=0.") >= 3, done.stdout + done.stderr


def test_a_run_of_a_choice_that_is_none_any_more_is_explained(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY.replace("levels: [he, xavier]", "levels: [he]"))
    assert sweep(tmp_path)[0] == 0
    before = rates_of(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        STUDY.replace("levels: [he, xavier]", "levels: [he]").replace("[0.2, 0.3]", "[0.2]")
    )
    (cell, replicate), _ = next(one for one in before.items() if one[1] == 0.3)
    assert sweep(tmp_path)[0] == 0
    assert set(rates_of(tmp_path).values()) == {0.2}
    told = ablate("explain", f"mine/{cell}/{replicate}", cwd=tmp_path).stdout
    assert "optimizer.lr: 0.3 then, 0.2 now" in told


STACKED = """\
question: Does the width matter?
baseline:
  data: {_target_: mylab.data.rings}
  model: {_target_: mylab.nets.Net, norm: true, dropout: 0.0}
  trainer.epochs: 8
  trainer.stack: 3
factors: {momentum: {key: optimizer.momentum, levels: [0.8]}}
tune: {optimizer.lr: [1.5, 2]}
replicates: 5
report: [table]
"""


def test_stacks_of_replicates_that_chose_alike_do_not_depend_on_what_was_cut_short(
    tmp_path: Path,
) -> None:
    """Where numbers depend on the stack: blocks of the replicates that have one value."""
    (tmp_path / "mine.yaml").write_text(STACKED)
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert rates_of(tmp_path) == chosen_by(tmp_path, classes=3)
    assert set(rates_of(tmp_path).values()) == {1.5, 2.0}
    whole = runs_of(tmp_path)
    for path in ("*/tune/1.5/1", "*/tune/2/4", "*/1", "*/4"):
        shutil.rmtree(next(tmp_path.glob(f"runs/mine/{path}")))
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert runs_of(tmp_path) == whole
    for place in list(rates_of(tmp_path))[:3]:
        done = ablate("verify", "/".join(("mine", *place)), cwd=tmp_path, PYTHONPATH=REACH)
        assert "the same bits" in done.stdout, done.stdout + done.stderr
    status = ablate("status", "mine", "--json", cwd=tmp_path)
    assert json.loads(status.stdout)[0]["done"] == 5
