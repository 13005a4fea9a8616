"""What DVC shows of a report, and what MLflow does, from committed reports."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.report.aa_control import without_control
from ablate.report.frame import read_frames
from ablate.report.headline import headline, pictures, told_in_markdown
from ablate.report.manifest import read_manifest
from ablate.report.tracked import tracked_curves, tracked_numbers, write_tracked
from ablate.report.verdicts import judge
from ablate.study.lockfile import read_lock

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.mark.parametrize("study", ["quickstart", "signal", "optimizer_paths", "batchnorm-cifar10"])
def test_every_report_has_numbers_under_the_same_keys(study: str, tmp_path: Path) -> None:
    locked = read_lock(REPORTS / study)
    assert locked is not None
    configs = {cell.slug: cell.config for cell in locked.cells}
    frames = without_control(read_frames(REPORTS / study), configs)
    verdicts = judge(locked.study, frames, configs, locked.declarations)
    names = {cell.slug: cell.name for cell in locked.cells}
    files = write_tracked(locked.study, verdicts, frames, names, tmp_path)
    assert files == ["metrics.json", "curves.csv"]
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    manifest = read_manifest(REPORTS / study)
    assert manifest is not None
    told = {
        claim["claim"]: claim["verdict"].partition(";")[0] for claim in manifest.get("verdicts", ())
    }
    words = numbers.get("verdicts", "")
    assert words == ", ".join(f"{name}: {verdict}" for name, verdict in told.items())
    assert numbers["not_converged"] == (frames.runs["status"] == "diverged").sum()
    assert ("headline" in numbers) == bool(told)
    if told:
        assert list(numbers["headline"]) == [
            "claim", "verdict", "effect", "low", "high", "unit", "n", "not_converged",
        ]  # fmt: skip
    assert (tmp_path / "curves.csv").stat().st_size < 100_000
    with (tmp_path / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["cell"] for row in rows} <= set(names.values())
    assert bool(rows) == bool(len(frames.epochs))


def test_the_headline_is_what_the_study_names_else_the_first_claim() -> None:
    locked = read_lock(REPORTS / "quickstart")
    assert locked is not None
    configs = {cell.slug: cell.config for cell in locked.cells}
    frames = read_frames(REPORTS / "quickstart")
    verdicts = judge(locked.study, frames, configs)
    assert tracked_numbers(verdicts, frames.runs)["headline"]["claim"] == "small-fails"
    named = tracked_numbers(verdicts, frames.runs, ["he-for-relu"])["headline"]
    assert (named["claim"], named["unit"]) == ("he-for-relu", "points")
    manifest = read_manifest(REPORTS / "quickstart") or {}
    manifest.pop("headline", None)
    first, second, _ = manifest["verdicts"]
    assert headline(manifest) == f"{first['verdict']}: {first['text']}  {first['effect']}"
    named = headline({**manifest, "headline": ["he-for-relu"]})
    assert named == f"{second['verdict']}: {second['text']}  {second['effect']}"
    text = told_in_markdown(manifest)
    assert text.startswith(f"**{manifest['question']}**\n\n{manifest['answer']}\n\n- ")
    assert text.count("\n- ") == 3
    shown = pictures(manifest, REPORTS / "quickstart")
    assert [Path(name).stem for name in shown] == list(manifest["figures"])
    without = {**manifest, "verdicts": [], "figures": {"gone": {"files": ["gone.svg"]}}}
    assert headline(without) == manifest["answer"]
    assert pictures(without, REPORTS / "quickstart") == []


def test_curves_are_medians_and_long_ones_keep_their_ends() -> None:
    steps = np.arange(5_000)
    rows = [
        pd.DataFrame({
            "cell": cell, "replicate": replicate, "step": steps, "epoch": steps / 10,
            "validation/accuracy": np.nan, "validation/loss": 2.0 + replicate**2,
            "train/loss": np.where(steps == 0, np.nan, 1.0 + replicate),
        })
        for cell in ("a-1", "b-2")
        for replicate in range(3)
    ]  # fmt: skip
    lines = tracked_curves(pd.concat(rows), {"a-1": "a=1"})
    assert len(lines) <= 2 * 601
    assert [line[0] for line in lines if line[1] == 0] == ["a=1", "b-2"]
    assert sum(line[1] == 4_999 for line in lines) == 2
    assert lines[0] == ["a=1", 0, 0.0, 3.0, None]
    assert lines[1][3:] == [3.0, 2.0]
