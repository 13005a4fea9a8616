"""When two runs are equal: what of an entry is compared, bit for bit."""

from dataclasses import asdict
from pathlib import Path

from ablate.store.files import LedgerError, json_bytes, npz_bytes
from ablate.store.reader import Part, read_arrays, read_evaluations
from ablate.store.result import read_result

_PARTS: tuple[Part, ...] = ("predictions", "probe")
#: What a result says beside: times, where it was made, and of the files themselves.
_APART = ("seconds", "started", "evaluated_at", "provenance", "schema", "digests", "sizes")


def compared_bytes(directory: Path) -> dict[str, bytes]:
    """Return by name what decides whether two runs are equal.

    Files are packed anew: the same run has other files in an older schema. Raises LedgerError for
    a run that is unfinished, or has a damaged file.
    """
    path = directory / "result.json"
    result = read_result(directory)
    if result is None:
        raise LedgerError(f"{path} is missing: the run is unfinished.")
    fields = {name: value for name, value in asdict(result).items() if name not in _APART}
    evaluations = read_evaluations(directory, result)
    found = {
        "result.json": json_bytes(fields, path),
        "metrics.jsonl": b"".join(json_bytes(dict(one), path) for one in evaluations),
    }
    for part in _PARTS:
        if arrays := read_arrays(directory, part, result):
            found[f"{part}.npz"] = npz_bytes(arrays)
    return found
