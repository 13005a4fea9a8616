"""Replicates until decided: what may be declared, and one sentence for each slip."""

from pathlib import Path

import pytest
import yaml

from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.errors import ConfigError
from ablate.study.looks import looks_between
from ablate.study.plan import Plan
from ablate.study.reader import read_study
from ablate.study.request import Size
from ablate.study.schema import Study

CONTENT = {
    "question": "Does width matter?",
    "baseline": {"data": "digits", "trainer.epochs": 1},
    "factors": {"width": {"key": "model.width", "levels": [4, 8]}},
    "replicates": {"looks": [6, 10, 15, 20]},
    "claims": {"wide": {"text": "Wide wins.", "compare": {"width": [8, 4]}, "expect": "greater"}},
    "report": ["table"],
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "mine.yaml"
    kept = {key: value for key, value in (CONTENT | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(kept))
    return path


def read(folder: Path, **changes: object) -> Study:
    return read_study(write(folder, **changes), read_groups([package_conf()]))


def planned(folder: Path, *words: str, size: Size = "") -> Plan:
    (start,) = plan_studies(sort_words([f"study={write(folder)}", *words]), size)
    return start.plan


def test_looks_grow_by_a_third_and_end_with_the_last() -> None:
    assert looks_between(6, 30) == (6, 8, 11, 15, 20, 27, 30)
    assert looks_between(6, 20) == (6, 8, 11, 15, 20)
    assert looks_between(10, 10) == (10,)
    assert looks_between(6, 7) == (6, 7)


def test_a_study_has_its_looks_and_the_most_replicates(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert (study.replicates, study.looks) == (20, (6, 10, 15, 20))
    grid = read(tmp_path, replicates={"from": 6, "to": 12})
    assert (grid.replicates, grid.looks) == (12, (6, 8, 11, 12))
    # One look is a number of replicates.
    assert read(tmp_path, replicates={"from": 8, "to": 8}).looks == ()
    assert study.of_replicates(10).all_looks == (10,)


def test_what_is_declared_of_a_fixed_number_stays_as_it_was(tmp_path: Path) -> None:
    assert "looks" not in read(tmp_path, replicates=6).as_declared()
    assert read(tmp_path).as_declared()["looks"] == [6, 10, 15, 20]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"replicates": {"from": 3, "to": 20}}, "replicates.from=3 is not allowed: the first look takes 6 replicates or more"),
        ({"replicates": {"looks": [4, 8]}}, "replicates.looks=[4, 8] is not allowed: the first look takes 6"),
        ({"replicates": {"from": 20, "to": 6}}, "replicates.from=20 is not allowed: it must be at most to=6"),
        ({"replicates": {"looks": [6, 10, 10]}}, "replicates.looks=[6, 10, 10] is not allowed: each look must have more replicates than the one before"),
        ({"replicates": {"looks": list(range(6, 30))}}, "24 looks are too many; allowed are 20 at most"),
        ({"replicates": {"from": 6}}, "from and to go together"),
        ({"replicates": {"looks": [6, 8], "to": 9}}, "replicates is a number, {from: 6, to: 30} or {looks"),
        ({"replicates": {"form": 6, "to": 9}}, "unknown key 'replicates.form'"),
        ({"replicates": {"looks": [6, "ten"]}}, "'ten' is not allowed: it must be a whole number"),
        ({"replicates": 0}, "replicates=0 is not allowed: it must be at least 1"),
        ({"claims": None}, "without claims there is nothing to decide; give a number of replicates"),
    ],
    ids=str,
)  # fmt: skip
def test_slips(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **changes)
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_plan_asks_for_the_first_look(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan.runs == 12
    assert {plan.replicates_of(cell) for cell in plan.cells} == {6}


def test_the_command_line_asks_for_a_number_or_for_other_looks(tmp_path: Path) -> None:
    fixed = planned(tmp_path, "replicates=12")
    assert (fixed.study.looks, fixed.study.replicates, fixed.runs) == ((), 12, 24)
    other = planned(tmp_path, "replicates={looks:[6,9]}")
    assert (other.study.looks, other.study.name) == ((6, 9), "mine")
    quick = planned(tmp_path, size="quick").study
    assert (quick.looks, quick.replicates) == ((), 2)
    with pytest.raises(ConfigError, match="first look takes 6"):
        planned(tmp_path, "replicates={from:2,to:9}")
