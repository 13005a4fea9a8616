"""Canonical form and key of a run: equal numbers if and only if equal keys."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ablate.config.base import integral
from ablate.config.run import RunConfig
from ablate.config.trainer import RUNTIME_FIELDS

#: Raised by hand whenever the numbers of an unchanged config change.
RESULTS_VERSION = 2


def canonical(config: RunConfig, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields that differ from the schema's defaults, runtime-only fields left out.

    Fields at their default are left out so that a new config key makes no run stale; a changed
    default therefore has to raise `RESULTS_VERSION`. `without` names dotted keys to leave out
    as well (a tuned nuisance, which is no part of a cell's identity).
    """
    fields: dict[str, Any] = config.model_dump(mode="json", exclude_defaults=True)
    for group, value in config:
        # exclude_defaults compares whole groups: a default group still says its name, unless
        # the name itself is a default, as that of an option that does nothing.
        named = getattr(type(value), "model_fields", {}).get("name")
        if named is not None and named.is_required():
            fields.setdefault(group, {})["name"] = value.name
    runtime = (f"{group}.{name}" for group, names in RUNTIME_FIELDS.items() for name in names)
    for key in (*runtime, *without):
        group, _, name = key.partition(".")
        if isinstance(fields.get(group), dict):
            fields[group].pop(name, None)
            if not fields[group]:
                del fields[group]
    return fields


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested fields by dotted key."""
    found: dict[str, Any] = {}
    for key, item in values.items():
        name = f"{prefix}{key}"
        found |= flat(item, f"{name}.") if isinstance(item, Mapping) else {name: item}
    return found


def cell_key(config: RunConfig, without: tuple[str, ...] = ()) -> str:
    """Return the SHA-256 of the canonical config: the same in every replicate."""
    return _sha256({"config": _keyed(config, without)})


def run_key(
    config: RunConfig,
    replicate: int,
    device: str,
    data_digest: str,
    member: int = 0,
    sources: Mapping[str, str] | None = None,
) -> str:
    """Return the SHA-256 that a finished run must carry to count as done.

    device   the kind, `cpu` or `cuda`: their numbers differ in the last bits
    member   of an ensemble; 0 is the plain run
    sources  digests of the user's own code, see `ablate.user.sources`; a run that has none has
             the same key as before there could be any
    """
    content = {
        "config": _keyed(config),
        "replicate": replicate,
        "device": device,
        "data": data_digest,
        "results_version": RESULTS_VERSION,
    }
    later = {"member": member, "sources": dict(sources or {})}
    return _sha256(content | {name: value for name, value in later.items() if value})


def _keyed(config: RunConfig, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the canonical form in which arguments without a declared type are one too.

    What a schema declares is normalized by it; the arguments of the user's own code are passed
    on as written, but 1 and 1.0 are one setting.
    """
    fields = canonical(config, without)
    users = {group for group in config.user_code if group in fields}
    users |= {"trainer"} if config.trainer.is_user_code else set()
    return {k: _whole(v) if k in users else v for k, v in fields.items()}


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _whole(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(v) for v in value]
    return integral(value)


def _sha256(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
