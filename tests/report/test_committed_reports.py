"""What is committed is what would be written now: from the frames beside a report to its bytes."""

import shutil
from pathlib import Path

import pytest

from ablate.report.regenerate import check_reports

REPORTS = Path(__file__).resolve().parents[2] / "reports"


@pytest.mark.parametrize("name", ["test_time", "early_stopping"])
def test_a_committed_report_is_written_again_as_it_is(name: str, tmp_path: Path) -> None:
    shutil.copytree(REPORTS / name, tmp_path / "reports" / name)
    assert check_reports(tmp_path, [name]) == []
