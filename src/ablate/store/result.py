"""`result.json`: how a run ended. Read by the thousand, so with nothing heavier than json."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from ablate.store.files import LedgerError, json_bytes, parse_sealed, sealed

#: With 2 came the entry's own digest, and digests of all its files; with 3 three files in place of
#: seven: the times moved here, all arrays into one file, the config to where replicates share it.
SCHEMA = 3


#: What a run's config is called among its files, wherever it lies.
CONFIG = "config.yaml"


@dataclass(frozen=True)
class Result:
    """The content of `result.json`.

    digests   SHA-256 by name of the files that the run has, but its log; with schema 1 of the
              compared files alone
    sizes     bytes of each of these; none before schema 3
    message   one sentence that says why the run failed, None otherwise
    started   UTC in ISO 8601 with milliseconds; None where a run failed before it began, and
              before schema 3, as `evaluated_at`: see `ablate.store.reader.read_times`
    evaluated_at   seconds from then to each evaluation
    """

    status: Literal["done", "diverged", "failed"]
    key: str
    provenance: Mapping[str, Any]
    nc_reason: str | None = None
    diverged_at_step: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    started: str | None = None
    evaluated_at: tuple[float, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    schema: int = SCHEMA

    def path_of(self, directory: Path, name: str) -> Path:
        """Return where a file of the run lies: the config beside all runs that have the same."""
        if name == CONFIG and name in self.digests and self.schema > 2:
            return config_path(directory, self.digests[name])
        return directory / name


def config_path(directory: Path, digest: str) -> Path:
    """Return where the config of a run lies that has this digest."""
    return directory.with_name(f"config-{digest[:16]}.yaml")


_FIELDS: dict[str, type | UnionType] = {
    "status": str, "key": str, "nc_reason": str | None, "diverged_at_step": int | None,
    "metrics": dict, "seconds": float | int | None, "parameters": int | None,
    "multiply_adds": int | None, "provenance": dict, "digests": dict, "message": str | None,
    "schema": int,
}  # fmt: skip
_SINCE_3: dict[str, type | UnionType] = {
    "started": str | None, "evaluated_at": list, "sizes": dict,
}  # fmt: skip


def read_result(directory: Path) -> Result | None:
    """Return what `result.json` says, None for an unfinished run.

    Raises LedgerError naming the file where it is damaged, or altered since it was written.
    """
    path = directory / "result.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}.") from error
    raw = parse_sealed(content, path)
    if not isinstance(raw, dict) or not isinstance(raw.get("schema"), int):
        raise LedgerError(f"{path} is damaged: it has no schema number.")
    if raw["schema"] > SCHEMA:
        raise LedgerError(
            f"{path} has schema {raw['schema']}, written by a newer ablate; "
            f"this one reads up to {SCHEMA}."
        )
    fields = {name: value for name, value in raw.items() if name != "digest"}
    expected = _FIELDS | (_SINCE_3 if raw["schema"] > 2 else {})
    for name, kinds in expected.items():
        if name not in fields or not isinstance(fields[name], kinds):
            raise LedgerError(f"{path} is damaged: '{name}' is {fields.get(name, 'missing')!r}.")
    if len(fields) != len(expected):
        raise LedgerError(f"{path} is damaged: unknown {sorted(set(fields) - set(expected))}.")
    if fields["status"] not in ("done", "diverged", "failed"):
        raise LedgerError(f"{path} is damaged: 'status' is {fields['status']!r}.")
    for name, value in fields["metrics"].items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise LedgerError(f"{path} is damaged: metric '{name}' is {value!r}.")
    if not isinstance(versions := fields["provenance"].get("versions", {}), dict):
        raise LedgerError(f"{path} is damaged: 'provenance.versions' is {versions!r}.")
    if raw["schema"] > 1 and "digest" not in raw:
        raise LedgerError(f"{path} is damaged: it has no digest.")
    return Result(**fields | {"evaluated_at": tuple(fields.get("evaluated_at", ()))})


def result_bytes(result: Result, path: Path) -> bytes:
    """Return the content of `result.json`; raises LedgerError for a metric that is not finite."""
    return json_bytes(sealed(asdict(result), path), path)
