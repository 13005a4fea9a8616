"""`ablate verify`: a run trained again, and held against the ledger or a committed report."""

import argparse
import math
import tempfile
from dataclasses import replace
from pathlib import Path

from ablate import data
from ablate.commands.kept import Kept, kept_run
from ablate.launch.device import device_kind
from ablate.launch.execute import train_job
from ablate.launch.job import Job, Task
from ablate.launch.members import member_numbers, training_config
from ablate.store.compared import compared_bytes
from ablate.store.ledger import write_run
from ablate.store.provenance import provenance
from ablate.store.result import Result, read_result
from ablate.train.process import prepare_process

#: Beyond so many standard deviations of its cell a number of another machine is another number.
_MOST_SD = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate verify` takes."""
    parser.add_argument("run", help="study/cell/replicate, or the first digits of a run's key")


def run(options: argparse.Namespace) -> int:
    """Train the run again and print how it compares; return the exit code."""
    prepare_process(threads=1)
    holds, lines = verify(options.root, options.run)
    print("\n".join(lines))
    return 0 if holds else 1


def verify(root: Path, text: str) -> tuple[bool, list[str]]:
    """Train a run again and compare; return whether it holds, and what there is to say.

    Raises ConfigError where no finished run is meant. Call `prepare_process` first.
    """
    with kept_run(root, text) as kept, tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        directory = Path(folder) / "run"
        _train_again(kept, root, directory)
        if kept.directory is not None:
            old, new = compared_bytes(kept.directory), compared_bytes(directory)
            if old == new:
                return True, [f"{kept.name}: the same bits", f"  {', '.join(sorted(old))}"]
        result = read_result(directory)
        assert result is not None
        return _compared(kept, result)


def _train_again(kept: Kept, root: Path, directory: Path) -> None:
    """Train the run into `directory`; an ensemble's members first, beside it."""
    config, device = kept.config, device_kind(kept.config.trainer.device)
    members = [
        Task(kept.replicate, "", directory.with_name(f"member-{member}"), member)
        for member in member_numbers(config)
    ]
    run = Task(
        kept.replicate, kept.result.key, directory, 0, tuple(task.directory for task in members)
    )
    facts = provenance(device, data.digest_of_all(config), config.seed)
    loaded: dict[str, data.Data] = {}
    for task in (*members, run):
        trained = config if task is run else training_config(config)
        others = (r for r in kept.block(device) if r != kept.replicate)
        beside = tuple(replace(task, replicate=replicate) for replicate in others)
        (record,) = train_job(Job(kept.name, trained, (task,), root, device, beside), loaded)
        write_run(task.directory, record, trained.model_dump(mode="json"), task.key, facts, "")


def _compared(kept: Kept, result: Result) -> tuple[bool, list[str]]:
    before, now = _machine(kept.result), _machine(result)
    lines = [f"{kept.name}: not the same bits"] if kept.directory else [f"{kept.name}: by value"]
    largest = 0.0
    if result.status != kept.result.status:
        lines.append(f"  status  {kept.result.status} then, {result.status} now")
        largest = math.inf
    for name, then in sorted(kept.result.metrics.items()):
        value = result.metrics.get(name)
        if value is None or value == then:
            continue
        sd = kept.spread.get(name, 0.0)
        away = abs(value - then) / sd if sd else math.inf
        largest = max(largest, away)
        lines.append(f"  {name}  {then:.6g} then, {value:.6g} now ({away:.2g} sd of its cell)")
    if len(lines) == 1:
        lines.append(f"  all {len(kept.result.metrics)} metrics are the same")
    if now != before:
        lines.append(f"  made on {before}, now {now}")
        return largest <= _MOST_SD, lines
    return largest == 0.0 and kept.directory is None, lines


def _machine(result: Result) -> str:
    versions = result.provenance.get("versions", {})
    return f"{result.provenance.get('cpu')} and {versions.get('torch')}"
