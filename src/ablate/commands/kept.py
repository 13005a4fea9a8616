"""A run as it is kept, in the ledger or told of by a committed report."""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.device import Device
from ablate.launch.jobs import is_exact, stack_limit
from ablate.report.columns import tuned_column
from ablate.report.frame import metric_columns
from ablate.report.regenerate import load_frame
from ablate.store.find import cell_that_begins, find_run
from ablate.store.index import read_index
from ablate.store.pack import ledger
from ablate.store.reader import check_whole, finished, read_config, tuned_value
from ablate.store.result import Result, read_result
from ablate.study.lockfile import read_lock
from ablate.study.plan import tuned_config


@dataclass(frozen=True)
class Kept:
    """A run as it is kept.

    spread     standard deviation of each metric over the cell's replicates, where there is one
    cell       replicates of its cell with its config, among which it may have trained in a stack
    directory  in the ledger; None where only a report tells of it
    """

    name: str
    config: RunConfig
    replicate: int
    result: Result
    spread: Mapping[str, float]
    cell: tuple[int, ...]
    directory: Path | None

    def block(self, device: Device) -> list[int]:
        """Return the replicates to train again: all of its block where numbers depend on it."""
        limit = 1 if is_exact(self.config, device) else stack_limit(self.config, device)
        return [r for r in self.cell if r // limit == self.replicate // limit]


@contextmanager
def kept_run(root: Path, text: str) -> Iterator[Kept]:
    """Give the finished run that is meant, and its folder as long as that is asked for.

    Raises ConfigError where there is none.
    """
    words = text.strip("/").split("/")
    with ledger(root, words[0]) as there:
        if len(words) == 3 and read_index(there, words[0]) is None:
            yield _from_report(root, *words)
        else:
            yield _from_ledger(root, there, text)


def _from_ledger(root: Path, ledger: Path, text: str) -> Kept:
    place = find_run(ledger, text)
    result = read_result(place.directory)
    if result is not None:
        check_whole(place.directory, result)
    name = f"{place.study}/{place.cell.slug}/{place.replicate}"
    if result is None or result.status == "failed":
        raise ConfigError(f"{name} has no finished run to verify.")
    # Own code that lay beside its study; Python goes on to what else has the name.
    sys.path += [str(root / folder) for folder in result.provenance.get("code", ())]
    others = list(finished(ledger, place.study, place.cell))
    key = place.cell.tuned
    own = key and tuned_value(place.directory, key, result)
    alike = {n for n, at, one in others if not key or tuned_value(at, key, one) == own}
    return Kept(
        name=name,
        config=run_config(read_config(place.directory, result)),
        replicate=place.replicate,
        result=result,
        spread=_spread(pd.DataFrame([one.metrics for _, _, one in others])),
        cell=tuple(sorted({*alike, place.replicate})),
        directory=place.directory,
    )


def _spread(metrics: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(sd) for name, sd in metrics.std().dropna().items()}


def _from_report(root: Path, study: str, name: str, number: str) -> Kept:
    locked = read_lock(root / "reports" / study)
    if locked is None:
        raise ConfigError(f"study '{study}' has neither runs nor a report here.")
    configs = {cell.slug: cell.config for cell in locked.cells}
    slug = cell_that_begins(study, name, list(configs))
    runs = load_frame(root, study)
    cell = runs[runs["cell"] == slug]
    run = cell[cell["replicate"].astype(str) == number]
    if run.empty or run["status"].iloc[0] == "failed":
        raise ConfigError(f"study '{study}' has no finished replicate {number} of that cell.")
    row, config, alike = run.iloc[0].to_dict(), configs[slug], cell
    if locked.study.tune is not None:
        key = locked.study.tune.key
        config = tuned_config(config, key, float(row[tuned_column(key)]))
        alike = cell[cell[tuned_column(key)] == row[tuned_column(key)]]
    metrics = {n: float(row[n]) for n in metric_columns(runs) if math.isfinite(row[n])}
    made_with = {"cpu": row["cpu"], "versions": {"torch": row["torch"]}}
    return Kept(
        name=f"{study}/{slug}/{number}",
        config=config,
        replicate=int(number),
        result=Result(row["status"], row["key"], made_with, metrics=metrics),
        spread=_spread(cell[list(metrics)]),
        cell=tuple(sorted(int(number) for number in alike["replicate"])),
        directory=None,
    )
