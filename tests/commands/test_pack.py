"""`ablate pack`: one file of a finished study, read as its folder is."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from written import planned, write_ledger

import ablate
from ablate.cli import main
from ablate.commands.trace import trace
from ablate.store.compared import compared_bytes
from ablate.store.files import LedgerError
from ablate.store.journal import journal
from ablate.store.pack import pack, pack_path, unpack


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a finished study of four runs."""
    write_ledger(planned(tmp_path))
    return tmp_path


def is_packed(root: Path) -> bool:
    return pack_path(root, "wide").is_file() and not (root / "runs" / "wide").exists()


def test_what_is_unpacked_is_what_was_packed(root: Path, tmp_path: Path) -> None:
    before = files_of(root / "runs" / "wide")
    first = pack(root, "wide").read_bytes()
    assert pack(root, "wide").read_bytes() == first  # in place of the one that is there
    assert unpack(pack_path(root, "wide"), tmp_path / "new") == "wide"
    assert files_of(tmp_path / "new" / "runs" / "wide") == before
    assert [path.name for path in (tmp_path / "new" / "runs").iterdir()] == ["wide"]


def test_report_trace_load_and_verify_read_the_file(root: Path, capsys) -> None:
    assert main(["report", "wide", "--root", str(root)]) == 0
    told = list(trace(root, "wide", ["8"]))
    runs, curves = ablate.load("wide", root), ablate.load("wide", root, frame="curves")
    before = files_of(root / "reports" / "wide")
    assert main(["pack", "wide", "--remove", "--root", str(root)]) == 0
    assert is_packed(root)
    shutil.rmtree(root / "reports")  # from the runs, and not from frames of before
    pd.testing.assert_frame_equal(ablate.load("wide", root), runs)
    pd.testing.assert_frame_equal(ablate.load("wide", root, frame="curves"), curves)
    assert main(["report", "--root", str(root)]) == 0
    assert files_of(root / "reports" / "wide") == before
    assert main(["report", "--check", "--root", str(root)]) == 0
    assert list(trace(root, "wide", ["8"])) == told
    capsys.readouterr()
    # Nobody has trained these runs, so that other numbers are what verify has to find.
    assert main(["verify", "wide/width=4/1", "--root", str(root)]) == 1
    assert "/1: not the same bits" in capsys.readouterr().out
    assert is_packed(root)


def test_status_names_it(root: Path, capsys) -> None:
    main(["pack", "wide", "--remove", "--root", str(root)])
    for words in (["wide"], []):
        capsys.readouterr()
        assert main(["status", *words, "--root", str(root)]) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert line.split() == ["wide", "packed", "in", f"{root}/runs/wide.zip"]
    assert main(["status", "--json", "--root", str(root)]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"study": "wide", "packed": str(pack_path(root, "wide"))}
    ]


def test_a_sweep_goes_on_from_it(root: Path, capsys) -> None:
    numbers = {path: compared_bytes(path.parent) for path in root.glob("runs/wide/*/*/result.json")}
    main(["pack", "wide", "--remove", "--root", str(root)])
    sweep = ["sweep", f"study={root / 'wide.yaml'}", "study.name=wide", "--root", str(root)]
    assert main(sweep) == 0
    out = capsys.readouterr().out
    assert "unpacked" in out
    assert "nothing to do: all 4 runs are in the ledger" in out
    assert {path: compared_bytes(path.parent) for path in numbers} == numbers


def test_it_comes_into_another_folder(root: Path, tmp_path: Path, capsys) -> None:
    file = pack(root, "wide")
    new = tmp_path / "new"
    for brought, same in ((4, 0), (0, 4)):
        assert main(["merge", str(file), "--root", str(new)]) == 0
        said = f"wide: {brought} runs from {file}, {same} were here"
        assert said in capsys.readouterr().out
    assert files_of(new / "runs" / "wide") == files_of(root / "runs" / "wide")


def test_what_is_not_finished_damaged_or_worked_on_is_not_packed(root: Path, capsys) -> None:
    pack_it = ["pack", "wide", "--remove", "--root", str(root)]
    with journal(root, "wide"):
        assert main(pack_it) == 2
    assert "is worked on, by process" in capsys.readouterr().err
    entry = next(root.glob("runs/wide/*/1"))
    arrays = (entry / "arrays.npz").read_bytes()
    (entry / "arrays.npz").write_bytes(arrays[:-1])
    assert main(pack_it) == 1
    assert f"{entry} is damaged" in capsys.readouterr().err
    shutil.rmtree(entry)
    assert main(pack_it) == 2
    assert "study 'wide' lacks 1 run:" in capsys.readouterr().err
    assert not pack_path(root, "wide").exists()
    assert main(["pack", "wild", "--root", str(root)]) == 2
    assert "study 'wild' has no folder of runs here; there are runs of wide." in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "is no packed study"),
        ({"notes.txt": "x"}, "is no packed study"),
        ({"wide/index.json": "{}", "../out": "x"}, "is no packed study"),
        ({"wide/index.json": "{}", "wide/../../out": "x"}, "is no packed study"),
        ({"wide/index.json": "{}", "other/index.json": "{}"}, "is no packed study"),
        ({"/wide/index.json": "{}"}, "is no packed study"),
        (None, "is damaged: File is not a zip file"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, members, said: str) -> None:
    file = tmp_path / "in" / "wide.zip"
    file.parent.mkdir()
    if members is None:
        file.write_bytes(b"nothing of the kind")
    else:
        with zipfile.ZipFile(file, "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
    with pytest.raises(LedgerError, match=said):
        unpack(file, tmp_path / "new")
    assert not (tmp_path / "new" / "out").exists()
    assert not (tmp_path / "out").exists()


def test_a_file_cut_short_or_altered_changes_nothing(root: Path, tmp_path: Path) -> None:
    content = pack(root, "wide").read_bytes()
    with zipfile.ZipFile(pack_path(root, "wide")) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
    damaged = bytearray(content)
    # In what a run wrote: the date of a file within may be any, and hurts nothing.
    damaged[largest.header_offset + 30 + len(largest.filename) + largest.file_size // 2] ^= 1
    for bad in (content[:-100], content[: len(content) // 2], bytes(damaged)):
        pack_path(root, "wide").write_bytes(bad)
        with pytest.raises(LedgerError, match="is damaged|is no packed study"):
            unpack(pack_path(root, "wide"), tmp_path / "new")
        assert list((tmp_path / "new" / "runs").iterdir()) == []
