"""What is committed is what would be written now: from the frames beside a report to its numbers.

On any processor: see `ablate.report.same`.
"""

import shutil
from pathlib import Path

import pytest

from ablate.report.regenerate import check_reports

REPORTS = Path(__file__).resolve().parents[2] / "reports"
#: Of the frames of one report and of all: a clone carries them through all its history.
MOST, MOST_TOGETHER = 1_000_000, 12_000_000


@pytest.mark.long
@pytest.mark.timeout(900)
def test_all_committed_reports_are_written_again_as_they_are(tmp_path: Path) -> None:
    shutil.copytree(REPORTS, tmp_path / "reports")
    assert check_reports(tmp_path, []) == []


def test_committed_frames_are_light() -> None:
    sizes = {
        folder.name: sum(path.stat().st_size for path in folder.glob("*.parquet"))
        for folder in REPORTS.iterdir()
        if folder.is_dir() and not folder.name.endswith("-quick")
    }
    assert {name: size for name, size in sizes.items() if size > MOST} == {}
    assert sum(sizes.values()) < MOST_TOGETHER
