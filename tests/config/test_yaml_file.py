"""Files in YAML: what is read as people mean it, and what no file that somebody wrote has."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError

LISTS = ["a", "b", "c", "d", "e"]
TENFOLD = "a0: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{after}0: &{after} [{', '.join([f'*{name}'] * 10)}]\n" for name, after in pairwise(LISTS)
)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: 5e-4", {"a": 5e-4}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: 2020-13-45", {"a": "2020-13-45"}),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2, d: 3}", {"a": {"b": 1}, "c": {"b": 2, "d": 3}}),
        ("{a: " * 90 + "1" + "}" * 90, None),
    ],
)
def test_read(tmp_path: Path, text: str, content: object) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert read_yaml(path) == (content or yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TENFOLD, "it has 123461 values, aliases followed, 7 deep"),
        ("a:\n  " + "[" * 200_000, "line 2: not valid YAML: more than 100 levels of nesting"),
        ("{a: " * 200_000, "more than 100 levels of nesting"),
        ("a: &a [*a]", "an alias within itself"),
        ("a: 1\nb: " + "9" * 400, "line 2: not valid YAML: a number of 400 digits is too large"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: !!set {x}", "could not determine a constructor"),
        ("a: !!int x", "not valid YAML"),
        ("? [1]\n: 2", "line 1: not valid YAML"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_slips(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_other_readers_of_yaml_keep_their_types() -> None:
    assert str(yaml.load("2020-01-01", Loader=yaml.CSafeLoader)) == "2020-01-01"
    assert yaml.load("!!set {x}", Loader=yaml.CSafeLoader) == {"x"}
