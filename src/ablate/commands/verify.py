"""`ablate verify`: a run trained again, and held against the ledger or a committed report."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ablate import data
from ablate.commands.kept import Kept, kept_run
from ablate.config import RunConfig
from ablate.launch.device import Device, device_kind
from ablate.launch.ensemble_run import form
from ablate.launch.members import is_formed, member_numbers, training_config
from ablate.records import Record
from ablate.store.ledger import compared_bytes, write_run
from ablate.store.result import Result, read_result
from ablate.train.process import prepare_process

#: Beyond so many standard deviations of its cell a number of another machine is another number.
_MOST_SD = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate verify` takes."""
    parser.add_argument("run", help="study/cell/replicate, or the first digits of a run's key")


def run(options: argparse.Namespace, _: Sequence[str]) -> int:
    """Train the run again and print how it compares; return the exit code."""
    prepare_process(threads=1)
    holds, lines = verify(options.root, options.run)
    print("\n".join(lines))
    return 0 if holds else 1


def verify(root: Path, text: str) -> tuple[bool, list[str]]:
    """Train a run again and compare; return whether it holds, and what there is to say.

    Raises ConfigError where no finished run is meant. Call `prepare_process` first.
    """
    kept = kept_run(root, text)
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        directory = Path(folder) / "run"
        result = _again(kept, root, directory)
        if kept.directory is not None:
            old, new = compared_bytes(kept.directory), _with_key(directory, kept.directory)
            if old == new:
                return True, [f"{kept.name}: the same bits", f"  {', '.join(sorted(old))}"]
        return _compared(kept, result)


def _again(kept: Kept, root: Path, directory: Path) -> Result:
    """Train the run into `directory`; an ensemble's members first, beside it."""
    from ablate.train.loop import train

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


def _compared(kept: Kept, result: Result) -> tuple[bool, list[str]]:
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
        return largest <= _MOST_SD, lines
    return largest == 0.0 and kept.directory is None, lines
