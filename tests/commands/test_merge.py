"""`ablate merge`: ledgers of several machines brought together by key, or refused as a whole."""

import shutil
from pathlib import Path

import pytest
from written import STARTED, a_record, planned, write_ledger

from ablate.cli import main
from ablate.store.compared import compared_bytes
from ablate.store.ledger import write_run
from ablate.store.reader import read_config
from ablate.store.result import read_result


def entries(root: Path) -> dict[str, dict[str, bytes]]:
    return {
        "/".join(path.parts[-3:-1]): compared_bytes(path.parent)
        for path in root.glob("runs/wide/*/[0-9]*/result.json")
    }


@pytest.fixture
def halves(tmp_path: Path) -> tuple[Path, Path, dict[str, dict[str, bytes]]]:
    """Return two roots, each with one cell's runs of a study, and the numbers of both together."""
    roots = []
    for name in "ab":
        root = tmp_path / name
        root.mkdir()
        write_ledger(planned(root))
        roots.append(root)
    whole = entries(roots[0])
    for root, cell in zip(roots, sorted(roots[0].glob("runs/wide/width=*")), strict=True):
        shutil.rmtree(root / "runs" / "wide" / cell.name)
    return (*roots, whole)


def test_two_halves_make_a_whole(halves, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, whole = halves
    assert len(entries(first)) == 2
    assert main(["merge", str(second), "--root", str(first)]) == 0
    assert f"wide: 2 runs from {second}, 0 were here" in capsys.readouterr().out
    assert entries(first) == whole
    assert main(["merge", str(second), "--root", str(first)]) == 0
    assert "wide: 0 runs from" in capsys.readouterr().out
    assert main(["status", "wide", "--root", str(first)]) == 0
    assert "4 runs: 4 done" in capsys.readouterr().out


def test_several_come_into_an_empty_folder(halves, tmp_path: Path) -> None:
    first, second, whole = halves
    new = tmp_path / "new"
    assert main(["merge", str(first), str(second), "--root", str(new)]) == 0
    assert entries(new) == whole
    lock, index = (f"runs/wide/{name}" for name in ("study.lock.yaml", "index.json"))
    assert (new / lock).read_bytes() == (first / lock).read_bytes()
    assert (new / index).read_bytes() == (first / index).read_bytes()


def test_other_numbers_under_one_key_are_refused_and_nothing_comes(
    halves, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of two kinds of processors: merged, their pairs would differ in more than the level."""
    first, second, _ = halves
    (there,) = second.glob("runs/wide/*/1")
    result = read_result(there)
    assert result is not None
    ours = first / there.relative_to(second)
    other = a_record(0.123)
    facts = {**result.provenance, "cpu_capability": "AVX512"}
    write_run(ours, other, read_config(there, result), result.key, facts, STARTED)
    before = entries(first)
    assert main(["merge", str(second), "--root", str(first)]) == 2
    said = capsys.readouterr().err
    assert "have one key and other numbers (AVX512 and a CPU)" in said
    assert "nothing was merged" in said
    assert entries(first) == before


def test_slips(halves, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, _ = halves
    (tmp_path / "nothing").mkdir()
    write_ledger(planned(tmp_path / "nothing", "[4, 8, 16]"))
    for other, sentence in (
        (tmp_path, "has no runs of a study"),
        (first, "cannot be merged with itself"),
        (tmp_path / "nothing", "study 'wide' was declared otherwise in"),
    ):
        assert main(["merge", str(other), "--root", str(first)]) == 2
        assert sentence in capsys.readouterr().err
    (second / "runs" / "wide" / "study.lock.yaml").unlink()
    assert main(["merge", str(second), "--root", str(first)]) == 2
    assert "nobody knows what its runs are" in capsys.readouterr().err
