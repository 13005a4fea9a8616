"""What the lectures say: every technique stands once, and what shows it is there."""

import ast
import runpy
from functools import cache
from pathlib import Path

import pytest
import yaml

from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.errors import ConfigError
from ablate.study.factors import check_overrides
from ablate.study.lectures import Shown, read_syllabus

ROOT = Path(__file__).resolve().parents[2]
SYLLABUS = read_syllabus([package_conf()])
STATEMENTS = [one for topic in SYLLABUS.topics for one in topic.statements]
SHOWN = sorted({(s.kind, s.name) for one in STATEMENTS for s in one.shown})


@cache
def claims_of(study: str) -> set[str]:
    content = yaml.safe_load((ROOT / "conf" / "study" / f"{study}.yaml").read_text("utf-8"))
    return set(content.get("claims", {}))


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_there(shown: Shown) -> bool:
    """Tell whether what shows a statement exists; an option that is none raises ConfigError."""
    match shown.kind:
        case "study":
            return (ROOT / "conf" / "study" / f"{shown.name}.yaml").is_file()
        case "claim":
            study, _, claim = shown.name.partition("/")
            return claim in claims_of(study)
        case "test":
            path, _, name = shown.name.partition("::")
            return (ROOT / path).is_file() and (not name or name in names_in(path))
        case "command":
            word = shown.name.removeprefix("ablate ")
            return (ROOT / "src" / "ablate" / "commands" / f"{word}.py").is_file()
        case "option":
            key, _, value = shown.name.partition("=")
            check_overrides({key: yaml.safe_load(value)}, read_groups([package_conf()]), "")
            return True


def test_every_technique_stands_once() -> None:
    assert sorted(one.technique for one in STATEMENTS if one.technique) == list(range(1, 134))


def test_no_statement_stands_twice() -> None:
    said = [one.says for one in STATEMENTS]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("kind", "name"), SHOWN, ids=[f"{k} {n}" for k, n in SHOWN])
def test_what_shows_a_statement_is_there(kind: str, name: str) -> None:
    assert is_there(Shown(kind=kind, name=name))


@pytest.mark.parametrize(
    "name", ["init=nobody", "optimizer.nothing=1", "model.dropout_kind.more=1"]
)
def test_an_option_that_is_none_is_told(name: str) -> None:
    with pytest.raises(ConfigError):
        is_there(Shown(kind="option", name=name))


def test_what_is_shown_does_not_become_less() -> None:
    """Raise these where more is shown."""
    techniques = [one for one in STATEMENTS if one.technique]
    others = [one for one in STATEMENTS if not one.technique]
    assert sum(one.is_for_users for one in techniques) >= 131
    assert sum(bool(one.shown) for one in techniques) >= 133
    assert sum(one.is_for_users for one in others) >= 58
    assert sum(bool(one.shown) for one in others) >= 64


def test_every_lecture_has_its_statements_in_order() -> None:
    for lecture in SYLLABUS.lectures:
        said = SYLLABUS.of(lecture)
        assert said
        assert [one.line(lecture) for one in said] == sorted(one.line(lecture) for one in said)


def test_the_page_is_what_make_docs_writes() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "coverage.py"))["coverage"]()
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == written


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"where": {"nowhere": "1"}}, "lecture 'nowhere' is unknown; allowed are one"),
        ({"shown": ["film signal"]}, "'film signal' must be study NAME, claim NAME, option NAME"),
        ({"shown": []}, "must have either shown or open"),
        ({"open": "not built"}, "must have either shown or open"),
    ],
)
def test_slips_are_named(tmp_path: Path, changed: dict, sentence: str) -> None:
    folder = tmp_path / "lectures"
    folder.mkdir()
    one = {"says": "it works", "where": {"one": "3-4"}, "shown": ["study signal"]}
    lectures = {"lectures": {"one": {"title": "One", "held": "here"}}, "topics": ["all"]}
    (folder / "lectures.yaml").write_text(yaml.safe_dump(lectures), encoding="utf-8")
    topic = {"title": "All", "statements": [{**one, **changed}]}
    (folder / "all.yaml").write_text(yaml.safe_dump(topic), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"all\.yaml") as caught:
        read_syllabus([tmp_path])
    assert sentence in str(caught.value)
