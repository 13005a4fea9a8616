"""`ablate explain`: the fields of the key in which a run is not the finished one beside it."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from ablate import data
from ablate.config import RunConfig
from ablate.config.key import canonical, flat
from ablate.config.validate import run_config
from ablate.errors import AblateError, ConfigError
from ablate.launch.device import device_kind
from ablate.launch.tuning import choose
from ablate.store.find import Place, find_run
from ablate.store.reader import check_whole, read_config, tuned_value
from ablate.store.result import Result, read_result
from ablate.store.state import state_of
from ablate.study.lockfile import Locked, read_lock
from ablate.study.plan import Plan, tuned_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate explain` takes."""
    parser.add_argument("run", help="study/cell/replicate, or the first digits of a run's key")


def run(options: argparse.Namespace) -> int:
    """Print what the run is and how it differs; return the exit code."""
    print("\n".join(explain(options.root, options.run)))
    return 0


def explain(root: Path, text: str) -> Iterator[str]:
    """Yield what a run is, and how every entry at its place differs from what the study asks.

    Raises ConfigError where no run, or more than one, fits.
    """
    place = find_run(root, text)
    locked = read_lock(root / "runs" / place.study)
    configs = {cell.slug: cell.config for cell in locked.cells} if locked else {}
    if locked is None or place.cell.slug not in configs:
        raise ConfigError(f"study '{place.study}' has no lock file that tells of this cell.")
    yield f"{place.study}/{place.cell.slug}/{place.replicate}"
    yield f"asked for  key {(place.expected or 'unknown')[:12]}"
    replaced = root / "runs" / ".stale" / place.study / place.cell.slug
    for directory in (place.directory, *sorted(replaced.glob(f"{place.replicate}-*"))):
        try:
            result = read_result(directory)
            if result is not None:
                check_whole(directory, result)
        except AblateError as error:
            yield f"damaged    {error}"
            continue
        where = directory.relative_to(root)
        if result is None:
            if directory == place.directory:
                yield f"missing    {where} has no result: not trained, or interrupted"
            continue
        ended = f"{where}: {'n/c' if result.status == 'diverged' else result.status}"
        if result.status == "failed":
            yield f"failed     {where}: {result.message}"
        elif state_of(result, place.expected) != "stale":
            yield f"current    {ended}, key {result.key[:12]}"
        else:
            yield f"stale      {ended}, key {result.key[:12]}; it differs in"
            wanted = _tuned(root, locked, place, directory, result)
            for line in _differences(directory, result, wanted):
                yield f"           {line}"


def _tuned(root: Path, locked: Locked, place: Place, directory: Path, result: Result) -> RunConfig:
    """Return the config that is asked for, with the value that tuning chose for this replicate.

    As long as nothing is chosen it is the run's own value: no difference of the cell's.
    """
    config = next(cell.config for cell in locked.cells if cell.slug == place.cell.slug)
    if locked.study.tune is None:
        return config
    key = locked.study.tune.key
    chosen = choose(Plan(locked.study, locked.cells), root).get(place.cell.slug, ())
    if place.replicate < len(chosen):
        return tuned_config(config, key, chosen[place.replicate])
    return tuned_config(config, key, tuned_value(directory, key, result))


def _differences(directory: Path, result: Result, wanted: RunConfig) -> Iterator[str]:
    try:
        had = run_config(read_config(directory, result))
    except AblateError as error:
        yield f"a config that is no longer valid: {error}"
        return
    before, now = flat(canonical(had)), flat(canonical(wanted))
    device, digest = device_kind(wanted.trainer.device), data.digest_of_all(wanted)
    there = result.provenance
    pairs = [
        *((k, before.get(k, "the default"), now.get(k, "the default")) for k in before | now),
        ("device", there.get("device", device), device),
        ("data", there.get("data_digest", digest)[:12], digest[:12]),
    ]
    told = [f"{name}: {then} then, {asked} now" for name, then, asked in pairs if then != asked]
    users = wanted.user_code or wanted.trainer.is_user_code
    or_code = " or a file of your own code" if users else ""
    nothing = f"nothing that the config says: the results version{or_code} is another"
    yield from told or [nothing]
