"""A report's own files, damaged or written by somebody else."""

import json
from pathlib import Path

import pytest

from ablate.errors import AblateError, ConfigError
from ablate.report.frame import read_frames
from ablate.report.manifest import read_manifest
from ablate.study.lockfile import read_lock

WHOLE = {
    "study": "s",
    "question": "?",
    "answer": ".",
    "digest": "0",
    "files": ["table-1.md"],
    "platform": {},
}


def write(folder: Path, **changes: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(WHOLE | changes))


def test_a_manifest_names_files_of_its_own_folder_only(tmp_path: Path) -> None:
    """Those that a new report no longer has are removed, so that a name is no way out."""
    write(tmp_path)
    assert read_manifest(tmp_path) == WHOLE
    for name in ("../x.md", "/etc/x.md", "a/b.md", "..", "", "a\0.md", 1, None):
        write(tmp_path, files=["table-1.md", name])
        assert read_manifest(tmp_path) is None, name


@pytest.mark.parametrize(
    "changes",
    [
        {"files": "table-1.md"},
        {"platform": []},
        {"digest": 1},
        {"missing": [1]},
        {"tables": {"t": 1}},
    ],
)
def test_a_manifest_of_other_types_is_none(tmp_path: Path, changes: dict[str, object]) -> None:
    write(tmp_path, **changes)
    assert read_manifest(tmp_path) is None


def test_folders_in_place_of_files_are_said(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    assert read_manifest(tmp_path) is None
    (tmp_path / "study.lock.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"study\.lock\.yaml is damaged"):
        read_lock(tmp_path)
    (tmp_path / "runs.parquet").mkdir()
    with pytest.raises(AblateError, match=r"runs\.parquet is damaged"):
        read_frames(tmp_path)
