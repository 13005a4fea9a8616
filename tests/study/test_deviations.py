"""What counts as another declaration of a study, in which words, and what does not."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablate.commands.command_line import plan_studies, sort_words
from ablate.study.lockfile import NAME, Locked, lock_study, read_lock
from ablate.study.plan import Plan

STUDY: dict[str, Any] = {
    "question": "Does the scale matter?",
    "baseline": {"data": "synthetic"},
    "factors": {
        "scale": {"key": "init.scale", "levels": [0.5, 1]},
        "depth": {"key": "model.depth", "levels": [1, 2]},
    },
    "replicates": 6,
    "smallest_effect": 0.5,
    "tune": {"optimizer.lr": [0.01, 0.1]},
    "claims": {
        "better": {"text": "One is better.", "compare": {"scale": ["1", "0.5"]},
                   "expect": "greater"},
        "same": {"text": "Both are equal.", "compare": {"depth": ["1", "2"]}, "expect": "equal"},
    },
    "report": ["table", "heatmap"],
}  # fmt: skip


def planned(folder: Path, content: dict[str, Any], *words: str) -> Plan:
    (folder / "s.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    given = [f"study={folder / 's.yaml'}", f"paths.root={folder}", *words]
    (start,) = plan_studies(sort_words(given))
    return start.plan


def changed(**fields: Any) -> dict[str, Any]:
    return copy.deepcopy(STUDY) | fields


def claims(**fields: Any) -> dict[str, Any]:
    """Return the study with other fields of its first claim."""
    content = copy.deepcopy(STUDY)
    content["claims"]["better"] |= fields
    return content


def declared(folder: Path, *contents: dict[str, Any], words: tuple[str, ...] = ()) -> Locked:
    """Declare studies one after the other, the last with `words`; return what is locked."""
    for content in contents:
        last = content is contents[-1]
        lock_study(folder, planned(folder, content, *(words if last else ())))
    locked = read_lock(folder)
    assert locked is not None
    return locked


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (changed(smallest_effect=1), ["smallest_effect: 0.5 to 1"]),
        (changed(replicates=10), ["replicates: 6 to 10"]),
        (changed(metric="test/loss"), ["metric.name: test/accuracy to test/loss",
                                       "metric.better: higher to lower"]),
        (changed(baseline={"data": "synthetic", "seed": 3}), ["seed: none to 3"]),
        (changed(baseline={"data": "synthetic", "trainer.epochs": 2}),
         ["trainer.epochs: none to 2"]),
        (changed(tune={"optimizer.lr": [0.01, 0.1, 1]}),
         ["tune.values: 0.01, 0.1 to 0.01, 0.1, 1"]),
        (changed(tune={"optimizer.lr": [0.01, 0.1], "with": {"replicates": 3}}),
         ["tune.nested: yes to none"]),
        (changed(tune=None), ["tune: optimizer.lr to none"]),
        (changed(factors=STUDY["factors"] | {"scale": {"key": "init.scale", "levels": [0.5, 1, 2]}}),
         ["factor scale: level 2 added"]),
        (changed(exclude=[{"scale": "0.5", "depth": "2"}]),
         ["exclude: none to {scale: 0.5, depth: 2}"]),
        (claims(margin=0.2), ["claim better: margin: none to 0.2"]),
        (claims(expect="less"), ["claim better: expect: greater to less"]),
        (claims(at={"depth": "1"}), ["claim better: at: none to {depth: 1}"]),
        (changed(claims={"better": STUDY["claims"]["better"]}), ["claim same removed"]),
        (changed(claims=STUDY["claims"] | {"third": {"text": "T.", "expect": "less",
                                                    "compare": {"depth": ["1", "2"]}}}),
         ["claim third added"]),
        (changed(report=["table", "heatmap", "factor_effects"]), ["report: factor_effects added"]),
        (changed(report=[{"table": {"rows": "depth"}}, "heatmap"]), ["report: table added"]),
    ],
)  # fmt: skip
def test_what_decides_is_told(tmp_path: Path, content: dict[str, Any], what: list[str]) -> None:
    """`None` of a key stands for what the study does not say."""
    content = {name: value for name, value in content.items() if value is not None}
    locked = declared(tmp_path, STUDY, content)
    assert [one.what for one in locked.deviations] == [tuple(what)]
    assert locked.deviations[0].date == datetime.now(UTC).date()
    assert locked.declarations == 2


@pytest.mark.parametrize(
    "content",
    [
        changed(question="Is it the scale?"),
        changed(caveats=["It is small."]),
        changed(source={"paper": "A paper"}),
        changed(quick={"trainer.epochs": 1}),
        claims(text="The scale of one is the better."),
        changed(headline="same"),
        changed(report=["heatmap", "table", "learning_curves"]),
        changed(claims={"other-name": STUDY["claims"]["better"], "same": STUDY["claims"]["same"]}),
        changed(baseline={"data": "synthetic", "trainer.epochs": 5, "trainer.device": "cpu"}),
        changed(factors=STUDY["factors"] | {"depth": {"key": "model.depth", "levels": [1, 2],
                                                      "label": "layers"}}),
    ],
)  # fmt: skip
def test_words_alone_are_no_look(tmp_path: Path, content: dict[str, Any]) -> None:
    default = planned(tmp_path, STUDY).cells[0].config.trainer.epochs
    if "trainer.epochs" in content["baseline"]:  # what is so by itself may be said
        content["baseline"]["trainer.epochs"] = default
    locked = declared(tmp_path, STUDY, content)
    assert (tmp_path / NAME).read_text().count("\n  declared: ") == 2
    assert locked.deviations == ()
    assert locked.exploratory_claims == ()
    assert locked.claims_reworded == ("The scale of one" in str(content["claims"]))


def test_the_command_line_is_no_way_around_it(tmp_path: Path) -> None:
    words = ("seed=7", "study.name=s")
    assert [one.what for one in declared(tmp_path, STUDY, STUDY | {}, words=words).deviations] == [
        ("seed: none to 7",)
    ]


def test_there_and_back_are_two_looks(tmp_path: Path) -> None:
    locked = declared(tmp_path, STUDY, changed(smallest_effect=1), STUDY | {})
    assert [one.what for one in locked.deviations] == [
        ("smallest_effect: 0.5 to 1",), ("smallest_effect: 1 to 0.5",),
    ]  # fmt: skip


def test_what_was_added_is_exploratory(tmp_path: Path) -> None:
    content = claims(margin=0.2)
    content["claims"]["third"] = STUDY["claims"]["same"] | {"expect": "less"}
    content["report"] = ["table", "heatmap", "factor_effects", "learning_curves"]
    locked = declared(tmp_path, STUDY, content)
    assert locked.exploratory_claims == ("better", "third")
    assert [item.kind for item in locked.exploratory_items] == ["factor_effects"]


def test_what_is_declared_before_any_run_ended_is_the_first_declaration(tmp_path: Path) -> None:
    lock_study(tmp_path, planned(tmp_path, STUDY))
    lock_study(tmp_path, planned(tmp_path, changed(replicates=8)), has_runs=lambda: False)
    lock_study(tmp_path, planned(tmp_path, changed(replicates=9)), has_runs=lambda: True)
    locked = read_lock(tmp_path)
    assert locked is not None
    assert [one.what for one in locked.deviations] == [("replicates: 8 to 9",)]


def test_the_day_makes_no_entry_new_and_is_in_no_digest(tmp_path: Path) -> None:
    locked = declared(tmp_path, STUDY)
    path = tmp_path / NAME
    text = path.read_text()
    older = re.sub(r"declared: \S+", "declared: 2020-02-02", text)
    assert older != text
    path.write_text(older)
    again = declared(tmp_path, STUDY)
    assert path.read_text() == older
    assert again.digest == locked.digest
    path.write_text(re.sub(r"  declared: \S+\n", "", text))  # as earlier versions wrote it
    assert declared(tmp_path, STUDY).digest == locked.digest
    assert "declared" not in path.read_text()


def test_a_study_that_does_not_say_nested_is_declared_as_before(tmp_path: Path) -> None:
    shared = {"optimizer.lr": [0.01, 0.1], "with": {"by": "validation/loss", "replicates": 3}}
    fields = planned(tmp_path, changed(tune=shared)).study.as_declared()
    assert fields["tune"] == {
        "key": "optimizer.lr", "values": [0.01, 0.1], "by": "validation/loss", "replicates": 3,
    }  # fmt: skip
    nested = planned(tmp_path, STUDY).study
    assert nested.as_declared()["tune"]["nested"] is True
    locked = declared(tmp_path, STUDY)
    assert locked.study == nested
