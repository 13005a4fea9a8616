"""Training a run again and holding it against what is kept: the ledger, or a committed report."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate import data
from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.device import Device, device_kind
from ablate.launch.ensemble_run import form
from ablate.launch.jobs import is_exact, stack_limit
from ablate.launch.members import is_formed, member_numbers, training_config
from ablate.records import Record
from ablate.store.find import cell_that_begins, find_run
from ablate.store.index import read_index
from ablate.store.ledger import compared_bytes, write_run
from ablate.store.reader import finished, read_config
from ablate.store.result import Result, read_result
from ablate.study.lockfile import read_lock
from ablate.study.plan import tuned_config

#: Beyond so many standard deviations of its cell a number of another machine is another number.
_MOST_SD = 3.0


@dataclass(frozen=True)
class Kept:
    """A run as it is kept.

    metrics    final values by name
    spread     standard deviation of each over the cell's replicates, where there is one
    machine    processor and torch behind it
    cell       replicates of its cell, among which it may have trained in a stack
    directory  in the ledger; None where only a report tells of it
    """

    name: str
    config: RunConfig
    replicate: int
    status: str
    metrics: Mapping[str, float]
    spread: Mapping[str, float]
    machine: tuple[str, str]
    cell: tuple[int, ...]
    directory: Path | None

    def block(self, device: Device) -> list[int]:
        """Return the replicates to train again: all of its block where numbers depend on it."""
        limit = stack_limit(self.config, device)
        if is_exact(self.config, device) or limit == 1:
            return [self.replicate]
        return [r for r in self.cell if r // limit == self.replicate // limit]


@dataclass(frozen=True)
class Verified:
    """Whether it holds, and what there is to say."""

    holds: bool
    lines: tuple[str, ...]


def verify(root: Path, text: str) -> Verified:
    """Train a run again and compare.

    Raises ConfigError where no finished run is meant. Call `prepare_process` first.
    """
    kept = _kept(root, text)
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        directory = Path(folder) / "run"
        result = _again(kept, root, directory)
        if kept.directory is not None:
            old, new = compared_bytes(kept.directory), _with_key(directory, kept.directory)
            if old == new:
                return Verified(
                    True, (f"{kept.name}: the same bits", f"  {', '.join(sorted(old))}")
                )
        return _compared(kept, result)


def _again(kept: Kept, root: Path, directory: Path) -> Result:
    """Train the run into `directory`; an ensemble's members first, beside it."""
    from ablate.train import train

    config, device = kept.config, device_kind(kept.config.trainer.device)
    loaded = data.load(config.data, root, config.seed)

    def trained(what: RunConfig, member: int) -> Record:
        block = kept.block(device)
        records = train(what, loaded, block, device, members=[member] * len(block))
        return records[block.index(kept.replicate)]

    if not is_formed(config):
        _write(directory, trained(config, 0), config, device)
    else:
        own = training_config(config)
        members = []
        for member in member_numbers(config):
            members.append(directory.with_name(f"member-{member}"))
            _write(members[-1], trained(own, member), own, device)
        _write(directory, form(config, members, loaded.test[1].numpy()), config, device)
    result = read_result(directory)
    assert result is not None
    return result


def _write(directory: Path, record: Record, config: RunConfig, device: Device) -> None:
    from ablate.store.provenance import provenance

    facts = provenance(device, data.digest(config.data), config.seed)
    write_run(directory, record, config.model_dump(mode="json"), "", facts, "")


def _with_key(directory: Path, like: Path) -> dict[str, bytes]:
    """Return the compared files with the key of the kept run, which is none of the numbers."""
    found, kept = compared_bytes(directory), read_result(like)
    assert kept is not None
    found["result.json"] = found["result.json"].replace(
        b'"key": ""', f'"key": "{kept.key}"'.encode()
    )
    return found


def _compared(kept: Kept, result: Result) -> Verified:
    now = (str(result.provenance.get("cpu")), str(result.provenance["versions"].get("torch")))
    lines = [f"{kept.name}: not the same bits"] if kept.directory else [f"{kept.name}: by value"]
    largest = 0.0
    if result.status != kept.status:
        lines.append(f"  status  {kept.status} then, {result.status} now")
        largest = math.inf
    for name, then in sorted(kept.metrics.items()):
        value = result.metrics.get(name)
        if value is None or value == then:
            continue
        sd = kept.spread.get(name, 0.0)
        away = abs(value - then) / sd if sd else math.inf
        largest = max(largest, away)
        lines.append(f"  {name}  {then:.6g} then, {value:.6g} now ({away:.2g} sd of its cell)")
    if len(lines) == 1:
        lines.append(f"  all {len(kept.metrics)} metrics are the same")
    if now != kept.machine:
        lines.append(f"  made on {' and '.join(kept.machine)}, now {' and '.join(now)}")
        return Verified(largest <= _MOST_SD, tuple(lines))
    same_values = largest == 0.0
    return Verified(same_values and kept.directory is None, tuple(lines))


def _kept(root: Path, text: str) -> Kept:
    words = text.strip("/").split("/")
    in_ledger = len(words) != 3 or read_index(root, words[0]) is not None
    return _from_ledger(root, text) if in_ledger else _from_report(root, *words)


def _from_ledger(root: Path, text: str) -> Kept:
    place = find_run(root, text)
    result = read_result(place.directory)
    name = f"{place.study}/{place.cell.slug}/{place.replicate}"
    if result is None or result.status == "failed":
        raise ConfigError(f"{name} has no finished run to verify.")
    others = {number: r.metrics for number, _, r in finished(root, place.study, place.cell)}
    versions = result.provenance.get("versions", {})
    return Kept(
        name=name,
        config=run_config(read_config(place.directory)),
        replicate=place.replicate,
        status=result.status,
        metrics=result.metrics,
        spread={key: _sd([m[key] for m in others.values() if key in m]) for key in result.metrics},
        machine=(str(result.provenance.get("cpu")), str(versions.get("torch"))),
        cell=tuple(sorted({*others, place.replicate})),
        directory=place.directory,
    )


def _from_report(root: Path, study: str, name: str, number: str) -> Kept:
    from ablate.report.regenerate import load_frames

    locked = read_lock(root / "reports" / study)
    if locked is None:
        raise ConfigError(f"study '{study}' has neither runs nor a report here.")
    configs: dict[str, Any] = {cell.slug: cell.config for cell in locked.cells}
    slug = cell_that_begins(study, name, list(configs))
    runs = load_frames(root, study).runs
    cell = runs[runs["cell"] == slug]
    run = cell[cell["replicate"].astype(str) == number]
    if run.empty or run["status"].iloc[0] == "failed":
        raise ConfigError(f"study '{study}' has no finished replicate {number} of that cell.")
    row, config = run.iloc[0].to_dict(), configs[slug]
    if locked.study.tune is not None:
        key = locked.study.tune.key
        config = tuned_config(config, key, float(row[f"tuned:{key}"]))
    metrics = {
        str(key): float(value) for key, value in row.items()
        if "/" in str(key) and isinstance(value, float) and math.isfinite(value)
    }  # fmt: skip
    return Kept(
        name=f"{study}/{slug}/{number}",
        config=config,
        replicate=int(number),
        status=str(row["status"]),
        metrics=metrics,
        spread={key: _sd(cell[key].dropna().tolist()) for key in metrics},
        machine=(str(row["cpu"]), str(row["torch"])),
        cell=tuple(sorted(int(number) for number in cell["replicate"])),
        directory=None,
    )


def _sd(values: list[float]) -> float:
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else 0.0
