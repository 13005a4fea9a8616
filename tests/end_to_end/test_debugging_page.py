"""docs/debugging.md: its files and commands, word for word, print what stands there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

_NUMBER = r"\d+(?:\.\d+)?"
PAGE = Path(__file__).parents[2] / "docs" / "debugging.md"


def _comparable(text: str) -> list[str]:
    """Return printed lines without times, progress and what of an error is only rounding.

    Nor with how many examples an ill network learns: at its rate rounding decides, which differs
    between processors.
    """
    text = re.sub(r"[\d.]+ ms a step, [\d.]+ s a run", "… ms a step, … s a run", text)
    text = re.sub(
        r"about [\d.]+ min of steps on \d+ cores?", "about … min of steps on … cores", text
    )
    text = re.sub(r"\de-\d\d", "…", text)  # how small a sound gradient's error is
    text = re.sub(r"^(! .*) fits \d+% of 50", r"\1 fits … of 50", text, flags=re.M)
    left_out = r"\d+/\d+ runs|browse: |! +it learns"
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
        found, there = _comparable(said.stdout), _comparable(expected)
        assert re.sub(_NUMBER, "#", "\n".join(found)) == re.sub(_NUMBER, "#", "\n".join(there))
        numbers, shown_there = (
            [float(n) for line in lines for n in re.findall(_NUMBER, line)]
            for lines in (found, there)
        )
        # One step of 40 more or less that overshoots is 7 % of the fewest that bounce here.
        assert numbers == pytest.approx(shown_there, rel=0.1), said.stdout
        is_ill = words.startswith("check") and "\n! " in expected
        assert said.returncode == (1 if is_ill else 0), words
