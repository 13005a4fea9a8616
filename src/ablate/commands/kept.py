"""A run as it is kept, in the ledger or told of by a committed report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.device import Device
from ablate.launch.jobs import is_exact, stack_limit
from ablate.store.find import cell_that_begins, find_run
from ablate.store.index import read_index
from ablate.store.reader import finished, read_config
from ablate.store.result import read_result
from ablate.study.lockfile import read_lock
from ablate.study.plan import tuned_config


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


def kept_run(root: Path, text: str) -> Kept:
    """Return the finished run that is meant; raises ConfigError where there is none."""
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


def _sd(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _from_report(root: Path, study: str, name: str, number: str) -> Kept:
    from ablate.report.frame import metric_columns
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
    metrics = {n: float(row[n]) for n in metric_columns(runs) if math.isfinite(row[n])}
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
