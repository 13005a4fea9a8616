"""`result.json`: how a run ended. Read by the thousand, so with nothing heavier than json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from ablate.store.files import LedgerError, parse_json

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """The content of `result.json`.

    digests   SHA-256 by name of the compared files, those that the run has
    message   one sentence that says why the run failed, None otherwise
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
    schema: int = SCHEMA


_FIELDS: dict[str, type | UnionType] = {
    "status": str, "key": str, "nc_reason": str | None, "diverged_at_step": int | None,
    "metrics": dict, "seconds": float | int | None, "parameters": int | None,
    "multiply_adds": int | None, "provenance": dict, "digests": dict, "message": str | None,
    "schema": int,
}  # fmt: skip


def read_result(directory: Path) -> Result | None:
    """Return what `result.json` says, None for an unfinished run.

    Raises LedgerError naming the file where it is damaged.
    """
    path = directory / "result.json"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}.") from error
    fields = parse_json(content, path)
    if not isinstance(fields, dict) or not isinstance(fields.get("schema"), int):
        raise LedgerError(f"{path} is damaged: it has no schema number.")
    if fields["schema"] > SCHEMA:
        raise LedgerError(
            f"{path} has schema {fields['schema']}, written by a newer ablate; "
            f"this one reads up to {SCHEMA}."
        )
    for name, kinds in _FIELDS.items():
        if name not in fields or not isinstance(fields[name], kinds):
            raise LedgerError(f"{path} is damaged: '{name}' is {fields.get(name, 'missing')!r}.")
    if len(fields) != len(_FIELDS):
        raise LedgerError(f"{path} is damaged: unknown {sorted(set(fields) - set(_FIELDS))}.")
    if fields["status"] not in ("done", "diverged", "failed"):
        raise LedgerError(f"{path} is damaged: 'status' is {fields['status']!r}.")
    return Result(**fields)
