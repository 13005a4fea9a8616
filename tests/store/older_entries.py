"""Entries as versions before schema 3 wrote them: seven files in a folder."""

import json
from pathlib import Path

import numpy as np

from ablate.store.files import json_bytes, npz_bytes, sha256
from ablate.store.reader import read_arrays, read_times
from ablate.store.result import read_result

#: Files that had a digest with schema 1, which had none of its own.
_COMPARED = ("metrics.jsonl", "predictions.npz", "probe.npz")


def as_written_before(directory: Path, schema: int, **changes: object) -> None:
    """Turn an entry of today into one of schema 1 or 2, with other fields in its result."""
    result = read_result(directory)
    assert result is not None
    (directory / "config.yaml").write_bytes(result.path_of(directory, "config.yaml").read_bytes())
    for part in ("curve", "probe", "predictions"):
        arrays = read_arrays(directory, part, result)
        path = directory / f"{part}.npz"
        if arrays or part == "probe":
            path.write_bytes(npz_bytes(arrays))
        if schema == 1 and part == "predictions" and arrays:
            np.savez_compressed(path, **arrays)
    started, evaluated_at = read_times(directory, result)
    times = {"started": started, "evaluated_at": evaluated_at}
    (directory / "evaluated_at.json").write_bytes(json_bytes(times, directory))
    (directory / "arrays.npz").unlink()
    path = directory / "result.json"
    fields = json.loads(path.read_bytes())
    for later in ("digest", "started", "evaluated_at", "sizes"):
        del fields[later]
    files = sorted(file for file in directory.iterdir() if file.name != path.name)
    digests = {file.name: sha256(file.read_bytes()) for file in files}
    if schema == 1:
        digests = {name: value for name, value in digests.items() if name in _COMPARED}
    fields |= {"schema": schema, "digests": digests, **changes}
    if schema > 1:
        fields["digest"] = sha256(json_bytes(fields, path))
    path.write_bytes(json_bytes(fields, path))
