"""What a report is to show is read, and held against the cells, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablate.cli import main
from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.compose import compose, package_conf
from ablate.config.groups import read_groups, with_overrides
from ablate.errors import ConfigError
from ablate.study.items import ITEMS
from ablate.study.plan import compile_study
from ablate.study.reader import read_study

CONTENT: Mapping[str, Any] = {
    "question": "Does it matter?",
    "baseline": {"data": "digits", "optimizer": "momentum"},
    "factors": {"init": ["he", "xavier"], "model.depth": [2, 3]},
    "replicates": 2,
}
ALONE = {"init": ["he", "xavier"]}
PARTS = [{"name": "a", "factors": ALONE}, {"name": "b", "factors": {"model.depth": [2, 3]}}]
ENSEMBLES = {"baseline": {"data": "digits", "ensemble": "seeds"}}
COMMAND = {"baseline": {"data": "digits", "trainer": {"command": "python t.py"}}}
TWO = {"init": ["he", "xavier"]}
CLAIM = {"text": "He's scale wins.", "compare": TWO, "expect": "greater"}
ON_LOSS = {"he": {**CLAIM, "metric": "test/loss"}}
CLOSED = [
    (kind, name)
    for kind, item in ITEMS.items()
    for name in item.model_fields
    if name in ("step", "against", "probe", "shows")
]


@pytest.fixture(scope="module")
def compiled() -> Callable[..., None]:
    groups = read_groups((package_conf(),))
    composed = compose([], Path.cwd())
    assert composed is not None

    def compile_content(folder: Path, item: Any, **changes: Any) -> None:
        content = {**CONTENT, **changes, "report": [item]}
        if "parts" in content:
            del content["factors"]
        path = folder / "mine.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        study = read_study(path, groups)
        opened, baseline = groups.open(study.baseline), tuple(study.baseline.items())
        base = with_overrides(composed.base, opened, (), baseline)
        compile_study(study, base, opened, baseline)

    return compile_content


@pytest.mark.parametrize("kind", ITEMS)
def test_a_misspelt_option_of_every_kind_is_named(
    kind: str, compiled: Callable[..., None], tmp_path: Path
) -> None:
    options = list(ITEMS[kind].model_fields)
    wrong = f"{options[0]}x" if options else "rows"
    with pytest.raises(ConfigError, match=f"report: {kind} has no option '{wrong}'; it has") as e:
        compiled(tmp_path, {kind: {wrong: "init"}})
    assert not options or str(e.value).endswith(f"Did you mean '{options[0]}'?")


@pytest.mark.parametrize(("kind", "option"), CLOSED)
def test_a_wrong_value_of_every_closed_option_is_named(
    kind: str, option: str, compiled: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"{kind}: {option}='lst' is not allowed: it must be"):
        compiled(tmp_path, {kind: {option: "lst"}})


def test_every_option_that_names_a_factor_is_checked(
    compiled: Callable[..., None], tmp_path: Path
) -> None:
    for kind, item in ITEMS.items():
        for role in item.roles():
            with pytest.raises(ConfigError, match=f"{kind} has {role}: depth, which is no factor"):
                compiled(tmp_path, {kind: {role: "depth"}})


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ({"ladder": None, "against": "first"}, "an item has one name, not ladder or against"),
        ({}, "an item has one name, not none"),
        ({"ladder": "first"}, "report: ladder"),
    ],
)
def test_what_is_no_item_is_named(
    item: Any, sentence: str, compiled: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        compiled(tmp_path, item)


@pytest.mark.parametrize(
    ("item", "changes", "sentence"),
    [
        ("heatmap", {"factors": ALONE}, "heatmap needs two factors, and there is one, init"),
        ({"heatmap": {"part": "a"}}, {"parts": PARTS}, "two factors, and there is one, init in part 'a'"),
        ("loss_over_time", {"factors": ALONE}, "loss_over_time needs two factors"),
        ({"table": {"rows": "init", "columns": "init"}}, {}, "init both as rows and columns"),
        ({"table": {"rows": "init", "columns": "model.depth"}}, {"parts": PARTS},
         "table names model.depth, which is no factor there; there is init in part 'a'"),
        ("ensemble_curve", {}, "ensemble_curve needs a factor whose levels set ensemble.size"),
        ("reliability_diagram", COMMAND, "reliability_diagram needs predictions"),
        ("loss_over_time", ENSEMBLES, "shows train/loss over training, which no run has"),
        ("stopping_points", ENSEMBLES, "shows train/loss over training"),
        ({"stopping_points": {"error": True}}, ENSEMBLES, "shows train/loss over training"),
        ("weight_distribution", ENSEMBLES, "needs the weights of a network, and no run has any"),
        ("weight_distribution", COMMAND, "needs the weights of a network"),
        ("input_pixels", COMMAND, "needs the weights of a network"),
        ("input_pixels", {"baseline": {"data": "digits", "model": "cnn"}, "factors": ALONE},
         "input_pixels needs a first layer with weights of each pixel: model mlp"),
        ("input_pixels", {"baseline": {"data": "synthetic"}},
         "input_pixels needs images, and data synthetic has none"),
        ("schedule_curves", ENSEMBLES, "shows lr over training"),
        ("learning_curves", ENSEMBLES, "shows validation/accuracy over training"),
        ("optimizer_paths", {}, "optimizer_paths shows x over training, which no run has"),
        ("learning_rate_sensitivity", {}, "needs tune, or a factor all of whose levels set opti"),
        ("contact_sheet", {}, "shows what augment does, and no level of init changes it"),
        ("contact_sheet", {"exclude": [{"init": "xavier"}]}, "no cell has xavier"),
        ("contact_sheet",
         {"factors": {"augment": {"levels": {"a": {"augment": {"_target_": "mylab.augment.f"}}}}}},
         "this package's augmentations alone, and augment=a has augment=mylab.augment.f"),
        ("factor_effects", {"factors": ALONE}, "factor_effects needs two factors"),
        ("factor_effects", {"exclude": [{"init": "he", "model.depth": "3"}]}, "a complete grid"),
        ("factor_effects", {"design": "zip"}, "a complete grid"),
        ("compared_to_base", {"factors": ALONE}, "compared_to_base needs two factors"),
        ("compared_to_base", {"factors": {**CONTENT["factors"], "seed": [0, 1]}}, "there are 3"),
        ("compared_to_base", COMMAND, "compared_to_base needs multiply-adds"),
        ({"variance_shares": {"whole": "all"}}, {}, "whole: all, which is no level of init; it has"),
        ({"ladder": {"metric": "weights/nrm"}}, {},
         r"has metric: weights/nrm, which no run reports; .*\. Did you mean 'weights/norm'\?"),
        ({"ladder": {"metric": "stopping/step"}}, {}, "metric: stopping/step, which no run reports"),
        ({"ladder": {"metric": "train/loss"}}, ENSEMBLES, "metric: train/loss, which no run repor"),
        ({"leave_one_out": {"probe": "zero"}}, ENSEMBLES, "probe: zero, and no run has a probe"),
        ("published", {"factors": {"model.depth": [2, 3]}}, "finds too few levels of model.depth"),
        ({"published": {"names": {"he": "Kaiming"}}}, {}, "which is not in the published table"),
        ({"published": {"table": "he2015"}}, {}, "table: he2015, which is none; there is mishkin"),
        ("effects", {}, "effects needs claims, and the study has none"),
        ("changed_examples", {}, "changed_examples compares two levels, and no claim compares two in"),
        ("changed_examples", {"claims": ON_LOSS}, "no claim compares two in test/accuracy; write"),
        ("changed_examples", COMMAND, "changed_examples needs predictions, and no run keeps any"),
        ({"changed_examples": {"at": {"init": "he"}}}, {}, "has at without compare; at belongs to"),
        ({"changed_examples": {"compare": {"init": ["he"]}}}, {}, "one factor with two different lev"),
        ({"changed_examples": {"compare": {"init": ["he", "he"]}}}, {}, "two different levels; write"),
        ({"changed_examples": {"compare": TWO, "at": {"init": "he"}}}, {}, "at: init, which compare v"),
        ({"changed_examples": {"compare": {"inits": ["he", "xavier"]}}}, {},
         "has compare: inits, which is no factor there; there is init or model.depth"),
        ({"changed_examples": {"compare": {"init": ["he", "lsuv"]}}}, {},
         "has compare: init: lsuv, which is no level of it; it has he or xavier"),
        ({"changed_examples": {"compare": TWO, "at": {"model.depth": [2, 4]}}}, {},
         "has at: model.depth: 4, which is no level of it; it has 2 or 3"),
        ({"changed_examples": {"compare": TWO, "at": {"model.depth": 3}}},
         {"exclude": [{"init": "he", "model.depth": "3"}]},
         "compares cells, and none has model.depth=3, init=he"),
        *(
            (kind, {"baseline": {"data": "digits", "probe.steps": "off"}}, f"{kind} needs the probe")
            for kind, item in ITEMS.items() if item.shows_probe
        ),
    ],
)  # fmt: skip
def test_what_the_cells_cannot_give_is_refused(
    item: Any, changes: Any, sentence: str, compiled: Callable[..., None], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=sentence) as error:
        compiled(tmp_path, item, **changes)
    assert str(error.value).startswith("study mine: report: ")


def test_code_of_the_users_own_decides_what_it_reports(
    compiled: Callable[..., None], tmp_path: Path
) -> None:
    own = {"baseline": {"data": "digits", "trainer": {"_target_": "mylab.train.fit"}}}
    for item in ({"ladder": {"metric": "macro_f1"}}, "stopping_points", "reliability_diagram"):
        compiled(tmp_path, item, **own)


def test_examples_are_compared_as_the_item_says_or_else_as_the_headline_does(
    compiled: Callable[..., None], tmp_path: Path
) -> None:
    claims = {
        "spread": {**CLAIM, "of": "spread over model.depth"},
        "first": CLAIM,
        "second": {**CLAIM, "compare": {"model.depth": [3, 2]}, "at": {"init": ["he"]}},
    }
    compiled(tmp_path, "changed_examples", claims=claims)
    study = read_study(tmp_path / "mine.yaml", read_groups((package_conf(),)))
    item = ITEMS["changed_examples"]
    assert item().compared(study) == ("init", "he", "xavier", {})
    headed = study.model_copy(update={"headline": ("second",)})
    assert item().compared(headed) == ("model.depth", "3", "2", {"init": ("he",)})
    own = item(compare={"model.depth": [2, 3]}, at={"init": "xavier"})
    assert own.compared(headed) == ("model.depth", "2", "3", {"init": ("xavier",)})


def test_what_the_command_line_takes_away_is_left_out_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    content = {**CONTENT, "report": ["signal_by_layer", "heatmap"]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    words = sort_words(["study=mine.yaml", "probe.steps=off"])
    (start,) = plan_studies(words)
    assert [item.kind for item in start.plan.study.report] == ["heatmap"]
    assert main(["plan", "study=mine.yaml", "probe.steps=off"]) == 0
    note = "report: signal_by_layer needs the probe, and no run has one: set probe.steps to ends or"
    assert note in capsys.readouterr().out


@pytest.mark.parametrize("command", ["plan", "sweep", "check"])
def test_commands_refuse_before_anything_starts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    content = {**CONTENT, "factors": ALONE, "report": ["heatmap"]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    assert main([command, "study=mine.yaml"]) == 2
    assert "study mine: report: heatmap needs two factors" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
