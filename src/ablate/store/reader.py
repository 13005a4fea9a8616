"""Reading the ledger: everything a run left behind, held against the digests in its result."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from ablate.errors import ConfigError, check_nesting, reason
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError, parse_json, parse_npz, sha256
from ablate.store.ledger import run_directory
from ablate.store.result import CONFIG, Result, read_result


def read_config(directory: Path, result: Result) -> Mapping[str, Any]:
    """Return the resolved config, empty for a run that failed without one.

    Raises LedgerError naming the file where it is damaged.
    """
    path = result.path_of(directory, CONFIG)
    try:
        text = (_read_checked(directory, CONFIG, result) or b"{}").decode()
        check_nesting(text, path)
        content = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ConfigError, ValueError) as error:
        raise LedgerError(f"{path} is damaged: {reason(error)}.") from error
    if not isinstance(content, dict):
        raise LedgerError(f"{path} is damaged: it holds no mapping.")
    return content


def tuned_value(directory: Path, key: str, result: Result) -> Any:
    """Return the value at the dotted `key` of the run's config, None where it has none."""
    value: Any = read_config(directory, result)
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def read_evaluations(directory: Path, result: Result) -> tuple[Mapping[str, float], ...]:
    """Return a mapping per evaluation, in order of steps."""
    name = "metrics.jsonl"
    lines = (_read_checked(directory, name, result) or b"").splitlines()
    return tuple(parse_json(line, directory / name) for line in lines)


#: The arrays of a run by what they are of.
Part = Literal["curve", "probe", "predictions"]


def read_arrays(directory: Path, part: Part, result: Result) -> dict[str, np.ndarray]:
    """Return the arrays of one part of a run, none where it has no such part."""
    apart = result.schema < 3  # a file each
    name, prefix = (f"{part}.npz", "") if apart else ("arrays.npz", f"{part}/")
    content = _read_checked(directory, name, result)
    return {} if content is None else parse_npz(content, directory / name, prefix)


def read_times(directory: Path, result: Result) -> tuple[str | None, tuple[float, ...]]:
    """Return when the run started and the seconds from then to each evaluation.

    UTC in ISO 8601 with milliseconds; None where a run failed before it began.
    """
    if result.schema > 2:
        return result.started, result.evaluated_at
    path = directory / "evaluated_at.json"
    if not path.exists():
        return None, ()
    try:
        fields = parse_json(path.read_bytes(), path)
        return fields["started"], tuple(fields["evaluated_at"])
    except (KeyError, TypeError, OSError) as error:
        raise LedgerError(f"{path} is damaged: {reason(error)}.") from error


#: A run that ended: replicate, folder and result.
Finished = tuple[int, Path, Result]


def finished(root: Path, study: str, cell: LedgerCell) -> Iterator[Finished]:
    """Yield replicate, folder and result of the cell's runs that ended and are not stale."""
    for replicate in range(cell.replicates):
        directory = run_directory(root, study, cell.slug, replicate)
        result = read_result(directory)
        if result and cell.expected(replicate) in (None, result.key):
            yield replicate, directory, result


def check_whole(directory: Path, result: Result) -> None:
    """Raise LedgerError unless all files of a run are those that its result names.

    They are read, not parsed. Where config and curve have no digest yet they are parsed instead.
    """
    for name in result.digests:
        _read_checked(directory, name, result)
    if result.schema == 1 and result.status != "failed":
        there = {
            "config.yaml": read_config(directory, result),
            "curve.npz": read_arrays(directory, "curve", result),
            "evaluated_at.json": read_times(directory, result)[0],
        }
        for name, content in there.items():
            if not content:
                raise LedgerError(f"{directory / name} is missing.")


def _read_checked(directory: Path, name: str, result: Result) -> bytes | None:
    path = result.path_of(directory, name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if name in result.digests:
            raise LedgerError(f"{path} is missing.") from None
        return None
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}.") from error
    if name in result.digests and sha256(content) != result.digests[name]:
        raise _altered(path)
    return content


def _altered(path: Path) -> LedgerError:
    return LedgerError(f"{path} is damaged: it is not the file that result.json names.")
