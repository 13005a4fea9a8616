"""Study files: what may be written, and one sentence for each slip."""

import re
from pathlib import Path

import pytest
import yaml

from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.errors import ConfigError
from ablate.study.lockfile import NAME as LOCK_NAME
from ablate.study.lockfile import read_lock
from ablate.study.reader import find_study, read_study, study_files
from ablate.study.schema import Study

GROUPS = read_groups([package_conf()])
MINIMAL = {
    "question": "Does it matter?",
    "baseline": {"data": "digits", "model.depth": 3},
    "factors": {"init.scale": [0.1, 1, 10]},
    "replicates": 3,
    "report": ["learning_curves"],
}


def read(tmp_path: Path, changes: dict, name: str = "mine") -> Study:
    content = {**MINIMAL, **changes}
    path = tmp_path / f"{name}.yaml"
    path.write_text(
        yaml.safe_dump({k: v for k, v in content.items() if v is not None}, sort_keys=False)
    )
    return read_study(path, GROUPS)


def test_short_form(tmp_path: Path) -> None:
    study = read(tmp_path, {})
    assert study.name == "mine"
    assert [level.name for level in study.factors[0].levels] == ["0.1", "1", "10"]
    assert [level.number for level in study.factors[0].levels] == [0.1, 1.0, 10.0]
    assert study.metric.name == "test/accuracy"
    assert study.metric.better == "higher"


def test_long_form_with_levels_that_set_several_keys(tmp_path: Path) -> None:
    factors = {
        "init": {"label": "weights", "levels": {"small": {"init": "normal", "init.std": 0.01}}},
        "lr": {"key": "optimizer.lr", "levels": [0.1, 1], "axis": "log"},
        "norm": {"key": "model.norm", "levels": {"without": "none", "with": "batch"}},
    }
    study = read(tmp_path, {"factors": factors})
    small, lr, norm = (factor.levels[0] for factor in study.factors)
    assert small.overrides == {"init": "normal", "init.std": 0.01}
    assert study.factor("init").label == "weights"
    assert lr.overrides == {"optimizer.lr": 0.1}
    assert study.factor("lr").axis == "log"
    assert (norm.name, norm.overrides) == ("without", {"model.norm": "none"})


def test_tune(tmp_path: Path) -> None:
    tune = {"optimizer.lr": [0.01, 1], "with": {"by": "validation/accuracy", "replicates": 2}}
    study = read(tmp_path, {"tune": tune})
    assert study.tune is not None
    assert (study.tune.key, study.tune.values, study.tune.replicates) == ("optimizer.lr", (0.01, 1.0), 2)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"qestion": "x"}, "unknown key 'qestion'"),
        ({"qestion": "x"}, "Did you mean 'question'?"),
        ({"question": None}, "'question' is missing"),
        ({"replicates": 0}, "replicates=0 is not allowed: it must be at least 1"),
        ({"replicates": "six"}, "replicates='six' is not allowed: it must be a whole number"),
        ({"design": "gird"}, "design='gird' is not allowed: it must be grid, one_at_a_time"),
        ({"metric": "accuracy"}, "metric 'accuracy' is not known"),
        ({"metric": {"name": "parameters", "better": "lower"}}, "name='parameters' is not allowed"),
        ({"metric": {"name": " ", "better": "lower"}}, "name=' ' is not allowed: a metric has a name"),
        ({"metric": {"name": "test/nll", "from": "mylab.parts.percent", "better": "lower"}},
         "name=test/nll is not allowed with from=mylab.parts.percent: every run reports its own"),
        ({"baseline": {"model.deph": 3}}, "unknown key 'model.deph'"),
        ({"baseline": {"init": "hee"}}, "there is no init 'hee'"),
        ({"baseline": ["init"]}, "baseline=['init'] is not allowed: it must be a mapping of keys"),
        ({"factors": {"init.scael": [1, 2]}}, "factor 'init.scael': unknown key 'init.scael'"),
        ({"factors": {"init.scael": [1, 2]}}, "Did you mean 'scale'?"),
        ({"factors": {"init": ["he", "xaver"]}}, "Did you mean 'xavier'?"),
        ({"factors": {"init.scale": []}}, "it has no levels"),
        ({"factors": {"init.scale": [1, 1.0]}}, "level '1' is given twice"),
        ({"factors": {"a": {"levels": {True: {"seed": 1}}}}}, "level name true is not a text; put it in quotes"),
        ({"factors": {}}, "factors is missing or empty"),
        ({"report": ["heat_map"]}, "there is no 'heat_map'"),
        ({"report": ["heat_map"]}, "Did you mean 'heatmap'?"),
        ({"report": [{"table": {"rows": "depth"}}]}, "table has rows: depth, which is no factor"),
        ({"tune": {"optimizer.lr": [1], "init.scale": [2]}}, "name exactly one key to tune"),
        ({"tune": {"optimizer.lr": [1], "with": {"by": "test/loss"}}}, "by=test/loss is not allowed; allowed are validation/loss"),
        # What would be read, and heard by nobody.
        ({"baseline": {"replicates": 5}}, "baseline: replicates has no place here; it is a key of the study file"),
        ({"quick": {"replicates": 5}}, "quick: replicates has no place here"),
        ({"baseline": {"paths.root": "x"}}, "baseline: paths.root has no place here; give the folder on the command line"),
        ({"baseline": {"paths": {"root": "x"}}}, "baseline: paths has no place here"),
        ({"baseline": {"study": "quickstart"}}, "baseline: study has no place here"),
        ({"factors": {"launch.workers": [1, 2]}}, "launch.workers is the same in all cells"),
        ({"factors": {"a": {"levels": {"b": {"trainer.device": "cpu"}}}}}, "factor 'a', level 'b': trainer.device is the same in all cells"),
        ({"factors": {"a": {"levels": {"b": {"replicates": 2}}}}}, "level 'b': replicates has no place here"),
        ({"factors": {"a": {"key": "init.scael", "levels": {"b": {"init.scale": 2}}}}}, "unknown key 'init.scael'"),
        ({"factors": {"init.scale": {"levels": [1, 2], "low": 3}}}, "low has no place beside its levels"),
        ({"factors": {"init.scale": {"levels": [1, 2], "distribution": "uniform"}}}, "distribution has no place"),
        ({"design": {"kind": "random", "cells": 2}, "factors": {"init.scale": {"levels": [1, 2], "low": 3}}}, "levels have no low and high"),
        ({"factors": None, "parts": [{"name": "a", "label": "b", "factors": {"init.scale": [1]}}]}, "part 'a': label is what tables call components"),
        ({"factors": {"a": {"levels": {"b": {"optimizer.lr": 1}}}}, "tune": {"optimizer.lr": [1, 2]}}, "level 'b' sets optimizer.lr, which tune chooses"),
        # Values of another kind than is asked for.
        ({"baseline": {"init": 3}}, "baseline: init is 3; write the name of an option"),
        ({"baseline": {"data": [1]}}, "baseline: data is [1]; write the name of an option"),
        ({"baseline": {"data": False}}, "baseline: data is false; write the name of an option"),
        ({"factors": {"a": {"levels": {"b": {1: 2}}}}}, "level 'b': 1 is no config key; it must be a text"),
        ({"factors": {"a": {"levels": {"b": {None: 2}}}}}, "level 'b': null is no config key"),
        ({"tune": {"optimizer.lr": []}}, "tune"),
        ({"tune": {"optimizer.lr": [1, 1.0]}}, "tune: optimizer.lr: level '1' is given twice"),
        ({"tune": {"seed": [1, 2]}}, "tune: name exactly one key to tune"),
        ({"tune": {"paths.root": [1, 2]}}, "tune: paths.root has no place here"),
        ({"replicates": 2**64}, "replicates=18446744073709551616 is not allowed: it must be at most 9223372036854775807"),
        ({"design": {"kind": "random", "cells": 10**9}}, "cells=1000000000 is not allowed: it must be at most 100000"),
        ({"caveats": "x" * 1000}, "x…"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_slips(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, changes)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("study file mine.yaml")


def test_levels_that_six_digits_do_not_tell_apart_have_names_of_their_own(tmp_path: Path) -> None:
    study = read(tmp_path, {"factors": {"optimizer.lr": [0.1, 0.1 + 1e-9, 1e-7, 123456789.0]}})
    assert study.factors[0].level_names == ("0.1", "0.100000001", "1e-07", "123456789.0")


def test_yaml_slips_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("question: a\nquestion: b\n")
    with pytest.raises(ConfigError, match="'question' is given twice"):
        read_study(path, GROUPS)
    path.write_text("question: a\n  baseline: [")
    with pytest.raises(ConfigError, match="line 2"):
        read_study(path, GROUPS)


def test_an_unknown_study_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'quickstart'"):
        find_study("quikstart", (package_conf(),))
    with pytest.raises(ConfigError, match="there is no such file"):
        find_study("nowhere.yaml", (package_conf(),))


@pytest.mark.parametrize("name", study_files((package_conf(),)))
def test_every_study_that_ships_reads(name: str) -> None:
    study = read_study(study_files((package_conf(),))[name], GROUPS)
    assert study.question.endswith("?")
    assert study.replicates >= 6  # fewer cannot reach p < 0.05 in an exact test
    assert study.claims
    assert Study.model_validate(study.model_dump(mode="json")) == study


def test_a_text_of_several_lines_is_one(tmp_path: Path) -> None:
    """As YAML writes blocks; a line break ends a table's row and what is bold."""
    study = read(
        tmp_path,
        {"question": "Does it\n  matter?\n", "caveats": ["a\n\nb\n"], "source": {"paper": "A\nB"}},
    )
    assert (study.question, study.caveats) == ("Does it matter?", ("a b",))
    assert study.source == {"paper": "A B"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"question": "\x1b[31mred"}, r"question: '\x1b[31mred' is not allowed: it has signs that"),
        ({"caveats": ["fine", "a\x07"]}, r"caveats: 'a\x07' is not allowed"),
        ({"factors": {"init.scale": {"levels": {"a\nb": 1}}}}, "a name is one line"),
        ({"factors": {"init.scale": {"levels": {"\x9b1m": 1}}}}, "factors.init.scale.levels: '"),
    ],
)
def test_signs_that_are_no_text(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        read(tmp_path, changes)


def test_a_lock_file_that_is_a_folder_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(ConfigError, match=r"study\.lock\.yaml is damaged: Is a directory; delete"):
        read_lock(tmp_path)


CLAIMS = {
    "first": {"text": "A.", "compare": {"scale": ["1", "2"]}, "expect": "greater"},
    "second": {"text": "B.", "compare": {"scale": ["1", "2"]}, "expect": "less"},
}


@pytest.mark.parametrize(
    ("written", "headline"),
    [({}, ("first",)), ({"headline": "second"}, ("second",)),
     ({"headline": ["second", "first"]}, ("second", "first"))],
    ids=["default", "one", "several"],
)  # fmt: skip
def test_a_headline_names_claims(tmp_path: Path, written: dict, headline: tuple[str, ...]) -> None:
    changes = {"factors": {"scale": {"key": "init.scale", "levels": [1, 2]}}, "claims": CLAIMS}
    study = read(tmp_path, {**changes, **written})
    assert study.headline_claims == headline
    assert ("headline" in study.as_declared()) == bool(written)  # older digests do not change


@pytest.mark.parametrize(
    ("headline", "claims", "sentence"),
    [
        ("secnd", CLAIMS, "headline: secnd is no claim of the study; its claims are first or second. Did you mean 'second'?"),
        (["first", "first"], CLAIMS, "headline: first is given twice."),
        ("first", {}, "headline is first, and the study has no claims."),
    ],
    ids=["unknown", "twice", "no-claims"],
)  # fmt: skip
def test_a_headline_that_is_none(tmp_path: Path, headline, claims: dict, sentence: str) -> None:
    changes = {"factors": {"scale": {"key": "init.scale", "levels": [1, 2]}}, "claims": claims}
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        read(tmp_path, {**changes, "headline": headline})


def test_a_study_may_be_about_the_gap(tmp_path: Path) -> None:
    study = read(tmp_path, {"metric": "gap/accuracy"})
    assert (study.metric.better, study.metric.unit) == ("lower", "points")
    assert study.metric.label == "training less test accuracy (points)"
    with pytest.raises(ConfigError, match="metric 'gap/acuracy' is not known"):
        read(tmp_path, {"metric": "gap/acuracy"})
