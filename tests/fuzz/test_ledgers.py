"""Entries of the ledger that are cut, altered, of other types, or folders and links."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import yaml
from called import checked
from examples import few_and_many, tries
from hypothesis import given, note
from hypothesis import strategies as st
from trees import changed

from ablate.errors import AblateError
from ablate.report.manifest import read_manifest
from ablate.store import reader
from ablate.store.index import read_index
from ablate.store.result import read_result
from ablate.study.lockfile import read_lock

Lab = Callable[[], Path]

FILES = (
    "result.json", "metrics.jsonl", "config-*.yaml", "arrays.npz", "*.jsonl", "index.json", "study.lock.yaml", "manifest.json", "runs.parquet", "epochs.parquet",
)  # fmt: skip
_NOT_OURS = "nobody's to change"
#: By command what is asked of the study `wide`, whose ledger it is.
CALLS = (
    ("status",), ("status", "wide", "--json"), ("plan", "study=wide.yaml"), ("report", "wide"),
    ("report", "--check"), ("explain", "wide/width=4/0"), ("trace", "wide", "table 1", "4"),
    ("clean", "--stale", "--dry-run"), ("clean", "--stale"), ("explain", "0123456"),
)  # fmt: skip


def outside(path: Path) -> str:
    """Return the path of a file of the test's own outside the root, where a link may lead."""
    lab = next(folder for folder in path.parents if folder.name == "lab")
    (lab.parent / "outside").write_text(_NOT_OURS)
    return str(lab.parent / "outside")


@st.composite
def damage(draw: st.DrawFn, path: Path) -> None:
    """Do something to a file; what it was is lost.

    Raises ValueError for a link: what it leads to is nobody's to damage.
    """
    if path.is_symlink():
        raise ValueError(f"{path} is a link")
    raw = path.read_bytes()
    kinds = [
        "cut",
        "bits",
        "fields",
        "fields",
        "fields",
        "folder",
        "link",
        "itself",
        "gone",
        "other",
    ]
    kind = draw(st.sampled_from(kinds))
    note(f"{path}: {kind}")
    if kind == "fields":
        new = _with_other_fields(draw, path, raw)
        if new is not None:
            note(repr(new[:3000]))
            path.write_bytes(new)
    elif kind == "bits":
        content = bytearray(raw)
        for _ in range(draw(st.integers(1, 4)) if content else 0):
            content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
        path.write_bytes(bytes(content))
    elif kind == "cut":
        path.write_bytes(raw[: draw(st.integers(0, max(0, len(raw) - 1)))])
    elif kind == "other":
        path.write_bytes(
            draw(st.sampled_from([b"{}", b"[]", b"null", b"1", b'"x"', b"\xff", b"[" * 5000]))
        )
    else:
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(draw(st.sampled_from(["/dev/null", "/nowhere", "..", outside(path)])))
        elif kind == "itself":
            path.symlink_to(path.name)


def _with_other_fields(draw: st.DrawFn, path: Path, raw: bytes) -> bytes | None:
    try:
        if path.suffix == ".yaml":
            tree = yaml.safe_load(raw)
            text = yaml.dump(draw(changed([tree])), Dumper=yaml.SafeDumper, allow_unicode=True)
        elif path.suffix in (".json", ".jsonl"):
            tree = [json.loads(line) for line in raw.splitlines()]
            new = draw(changed([tree] if path.suffix == ".jsonl" else tree))
            lines = new if path.suffix == ".jsonl" and isinstance(new, list) else [new]
            text = "".join(f"{json.dumps(line, default=str)}\n" for line in lines)
        else:
            return None
        return text.encode()
    except (ValueError, TypeError, UnicodeError, yaml.YAMLError):
        return None


def some_files(root: Path) -> list[Path]:
    """Return files of a ledger and its report, but none that an earlier damage made a link."""
    found = [path for name in FILES for path in sorted(root.rglob(name))[:2]]
    return [path for path in found if path.is_file() and not path.is_symlink()]


@few_and_many
def test_commands_over_damaged_entries(lab: Lab, times: int) -> None:
    @tries(60, times)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        root = lab()
        for _ in range(data.draw(st.integers(1, 2))):
            path = data.draw(st.sampled_from(some_files(root)))
            data.draw(damage(path))
        for call in data.draw(
            st.lists(st.sampled_from(CALLS), min_size=2, max_size=3, unique=True)
        ):
            checked(root, *call)
        other = root.parent / "outside"
        assert not other.exists() or other.read_text() == _NOT_OURS

    holds()


@few_and_many
def test_readers_of_damaged_entries(lab: Lab, times: int) -> None:
    """What `sync` and `verify` read beyond that: every reader says it in an error of ours."""

    @tries(150, times)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        root = lab()
        path = data.draw(st.sampled_from(some_files(root)))
        data.draw(damage(path))
        cell = next((root / "runs" / "wide").glob("width=4*/0"))
        for read in (
            _index,
            _lock,
            _result,
            _manifest,
            _arrays,
        ):
            _asked(read, root if read in (_index, _lock, _manifest) else path.parent)
            _asked(read, root if read in (_index, _lock, _manifest) else cell)

    holds()


def _asked(read: Callable[[Path], Any], path: Path) -> None:
    with suppress(AblateError):
        read(path)


def _index(root: Path) -> None:
    for cell in read_index(root, "wide") or ():
        list(reader.finished(root, "wide", cell))


def _lock(root: Path) -> None:
    read_lock(root / "runs" / "wide")


def _manifest(root: Path) -> None:
    read_manifest(root / "reports" / "wide")


def _result(directory: Path) -> None:
    result = read_result(directory)
    if result is not None:
        reader.check_whole(directory, result)


def _arrays(directory: Path) -> None:
    result = read_result(directory)
    if result is not None and result.status != "failed":
        reader.read_config(directory, result)
        reader.read_times(directory, result)
        reader.read_evaluations(directory, result)
        for part in get_args(reader.Part):
            reader.read_arrays(directory, part, result)


@few_and_many
def test_a_damaged_run_is_verified_or_refused(lab: Lab, times: int) -> None:
    @tries(6, times)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        root = lab()
        cell = next((root / "runs" / "wide").glob("width=4*/0"))
        path = data.draw(
            st.sampled_from([*sorted(cell.glob("*.json")), *sorted(cell.parent.glob("*.yaml"))])
        )
        data.draw(damage(path))
        checked(root, "verify", "wide/width=4/0")

    holds()
