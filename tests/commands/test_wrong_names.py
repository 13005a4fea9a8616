"""A wrong name among several: exit code 2, and nothing has been done for the right ones."""

import shutil
from pathlib import Path

import pytest

from ablate.cli import main


@pytest.mark.parametrize("command", ["report", "sync"])
def test_nothing_is_done_where_one_of_the_names_is_wrong(root: Path, command: str) -> None:
    shutil.rmtree(root / "reports", ignore_errors=True)
    before = sorted(root.rglob("*"))
    assert main([command, "wide", "wine", "--root", str(root)]) == 2
    assert sorted(root.rglob("*")) == before
