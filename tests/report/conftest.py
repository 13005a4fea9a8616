"""Puts this folder on the path: tests of exhibits, one folder down, share its makers of frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from small_ledger import write_cells

if TYPE_CHECKING:
    from ablate.store.cell import LedgerCell


@pytest.fixture
def ledger(tmp_path: Path) -> tuple[Path, list[LedgerCell]]:
    """Return a folder with a small ledger, and its cells."""
    return tmp_path, write_cells(tmp_path)
