"""The full form of a study: the same question, larger, under a name of its own."""

from pathlib import Path

import pytest
import yaml

from ablate.commands.command_line import plan_studies, sort_words
from ablate.errors import ConfigError
from ablate.study.plan import Plan
from ablate.study.request import Size

STUDY = {
    "question": "Does it matter?",
    "baseline": {"data": "digits", "model": "mlp", "trainer.epochs": 2},
    "factors": {"model.width": [8, 16]},
    "replicates": 2,
    "claims": {
        "wide": {"text": "Yes.", "compare": {"model.width": [16, 8]}, "expect": "greater"},
    },
    "report": ["table"],
    "full": {"replicates": {"from": 6, "to": 9}, "trainer.epochs": 20},
}


def planned(folder: Path, *words: str, size: Size = "", **changes: object) -> Plan:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    (start,) = plan_studies(sort_words([f"study={path}", *words]), size)
    return start.plan


def test_it_is_the_same_study_in_another_size(tmp_path: Path) -> None:
    small, full = planned(tmp_path).study, planned(tmp_path, size="full").study
    assert (full.name, full.looks, full.replicates) == ("mine-full", (6, 8, 9), 9)
    assert full.command.endswith("--full")
    assert (full.question, full.factors, full.claims) == (
        small.question,
        small.factors,
        small.claims,
    )
    assert {c.config.trainer.epochs for c in planned(tmp_path, size="full").cells} == {20}
    assert {c.config.trainer.epochs for c in planned(tmp_path).cells} == {2}


def test_the_command_line_is_laid_over_it_and_names_it(tmp_path: Path) -> None:
    asked = planned(tmp_path, "trainer.epochs=7", "replicates=6", size="full")
    assert asked.study.name == "mine-epochs7-full"
    assert (asked.study.looks, asked.study.replicates) == ((), 6)
    assert {cell.config.trainer.epochs for cell in asked.cells} == {7}


def test_replicates_alone_make_a_full_form_too(tmp_path: Path) -> None:
    full = planned(tmp_path, size="full", full={"replicates": 4}).study
    assert (full.replicates, full.looks) == (4, ())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"full": {}}, "--full: study mine has one size"),
        ({"full": {"trainer.epoch": 3}}, "full: unknown key 'trainer.epoch'"),
        ({"full": {"replicates": 0}}, "full: replicates=0 is not allowed"),
        ({"full": {"replicates": {"from": 2, "to": 9}}}, "full: replicates.from=2 is not allowed"),
        ({"full": {"replicates": {"from": 6, "to": 9}}, "claims": {}}, "without claims"),
        ({"full": {"model.width": 64}}, "full: model.width is varied by factor 'model.width'"),
        (
            {"full": {"optimizer.lr": 1}, "tune": {"optimizer.lr": [0.1, 0.2]}},
            "full: optimizer.lr is what tune chooses",
        ),
    ],
    ids=str,
)
def test_what_it_cannot_be_is_said_before_anything_starts(
    tmp_path: Path, changes: dict, sentence: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        planned(tmp_path, size="full", **changes)
    assert sentence in str(raised.value)
