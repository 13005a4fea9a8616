"""docs/debugging.md: its files and commands, word for word, print what stands there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "debugging.md"


def _comparable(text: str) -> list[str]:
    """Return printed lines without times, progress and what of an error is only rounding."""
    text = re.sub(r"[\d.]+ ms a step, [\d.]+ s a run", "… ms a step, … s a run", text)
    text = re.sub(
        r"about [\d.]+ min of steps on \d+ cores?", "about … min of steps on … cores", text
    )
    text = re.sub(r"\de-\d\d", "…", text)  # how small a sound gradient's error is
    left_out = r"\d+/\d+ runs|browse: "
    return [line for line in text.splitlines() if not re.match(left_out, line)]


@pytest.mark.long
def test_the_page_shows_what_the_commands_print(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    files = re.findall(r"```(python|yaml)\n(.*?)```", page, re.S)
    names = ("lab.py", "broken.yaml", "own.yaml")
    for name, (_, text) in zip(names, files, strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    shown = re.findall(r"```console\n\$ ablate (.*?)\n(.*?)```", page, re.S)
    assert len(shown) == 9
    for words, expected in shown:
        said = subprocess.run(
            [sys.executable, "-m", "ablate", *shlex.split(words)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert _comparable(said.stdout) == _comparable(expected), said.stderr
        is_ill = words.startswith("check") and "\n! " in expected
        assert said.returncode == (1 if is_ill else 0), words
