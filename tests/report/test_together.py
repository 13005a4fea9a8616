"""A report made by several processes: as one alone makes it, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from frames_for_tests import make_frames, two_by_two

from ablate.config.validate import run_config
from ablate.report.frame import read_frames, write_frames
from ablate.report.helpers import helpers, worth
from ablate.report.judged import judged
from ablate.report.manifest import FigureFiles
from ablate.report.together import help_with, make_all
from ablate.study.items import ITEMS
from ablate.study.lockfile import Locked
from ablate.study.plan import Cell

DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


@dataclass
class Helper:
    """A helper that does its work at once, `breaks` first or behind it, or not at all."""

    breaks: str = ""
    made: Any = None
    asked: list[Any] = field(default_factory=list)

    def send(self, request: Any) -> None:
        if self.breaks == "before it is asked":
            raise BrokenPipeError
        self.asked.append(request)
        self.made = help_with(*request)

    def recv(self) -> Any:
        if self.breaks:
            raise EOFError
        return self.made


@pytest.fixture
def locked(tmp_path: Path) -> Locked:
    """Return a study of a table and two figures of one name, whose frames lie in `report`."""
    study, runs = two_by_two()
    items = (ITEMS["table"](), ITEMS["heatmap"](), ITEMS["heatmap"]())
    write_frames(make_frames(runs), tmp_path / "report")
    cells = tuple(Cell(slug, slug, slug, {}, run_config(DIGITS)) for slug in set(runs["cell"]))
    return Locked(study.model_copy(update={"report": items}), cells, "")


def made(locked: Locked, folder: Path, *hands: Any) -> tuple[list[str], dict[str, bytes]]:
    """Return what is made in its order, and the figures' files."""
    report = folder / "report"
    for path in (*report.glob("*.svg"), *report.glob("*.png")):
        path.unlink()
    found = judged(locked, read_frames(report))
    all_made = list(make_all(locked, found, report, None, hands))
    names = [one.name if isinstance(one, FigureFiles) else type(one).__name__ for one in all_made]
    for one in all_made:
        assert not isinstance(one, FigureFiles) or {one.svg.parent, one.png.parent} == {report}
    files = sorted([*report.glob("*.svg"), *report.glob("*.png")])
    return names, {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("breaks", ["", "before it is asked", "before it answers"])
def test_a_helper_changes_nothing(locked: Locked, tmp_path: Path, breaks: str) -> None:
    alone = made(locked, tmp_path)
    assert alone[0] == ["Tabulated", "heatmap", "heatmap-2"]
    assert len(alone[1]) == 4
    assert made(locked, tmp_path, Helper(breaks)) == alone


def test_a_process_that_helps_changes_nothing(locked: Locked, tmp_path: Path) -> None:
    alone = made(locked, tmp_path)
    with helpers(1) as started:
        assert made(locked, tmp_path, *started) == alone
    assert multiprocessing.active_children() == []


def test_what_another_has_begun_is_left_to_it(locked: Locked, tmp_path: Path) -> None:
    (tmp_path / "shares" / "0").mkdir(parents=True)
    (tmp_path / "shares" / "2").mkdir()
    assert list(help_with(locked, tmp_path / "report", tmp_path / "shares", None)) == [1]


def test_a_helper_that_fails_owes_what_it_has_not_made(locked: Locked, tmp_path: Path) -> None:
    assert help_with(locked, tmp_path / "nowhere", tmp_path, None) == {}


def test_helpers_end_with_the_context_that_fails() -> None:
    def interrupted() -> None:
        with helpers(2):
            assert len(multiprocessing.active_children()) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("items", "cores", "count"), [(1, 8, 0), (3, 8, 0), (4, 8, 1), (9, 2, 1), (9, 1, 0), (9, 8, 3)]
)
def test_a_helper_is_worth_two_items(items: int, cores: int, count: int) -> None:
    assert worth(items, cores) == count
