"""YAML that goes too deep ends in a sentence: building it, libyaml would end the process."""

from pathlib import Path

import pytest

from ablate.config.yaml_file import read_yaml
from ablate.errors import AblateError, ConfigError, check_nesting
from ablate.store.reader import read_config
from ablate.store.result import CONFIG, Result
from ablate.study.lockfile import NAME, read_lock


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000, "? " * 200_000])
def test_every_reader_names_the_file(tmp_path: Path, text: str) -> None:
    for name in ("study.yaml", CONFIG, NAME):
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=r"study\.yaml, line 1: .* levels of nesting"):
        read_yaml(tmp_path / "study.yaml")
    with pytest.raises(AblateError, match=r"config\.yaml is nested too deeply"):
        read_config(tmp_path, Result("done", "key", {}))
    with pytest.raises(ConfigError, match=r"lock\.yaml is nested too deeply"):
        read_lock(tmp_path)


def test_signs_in_texts_are_no_levels() -> None:
    text = "- half open: '[0, 1)'\n  dashes: '" + "- " * 600 + "'\n"
    check_nesting(text * 1000, Path("x.yaml"))
