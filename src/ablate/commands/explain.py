"""Why a run is not the finished one beside it: the fields of the key that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ablate import data
from ablate.config import RunConfig
from ablate.config.key import canonical, flat
from ablate.config.validate import run_config
from ablate.errors import AblateError, ConfigError
from ablate.launch.device import device_kind
from ablate.store.find import Place, find_run
from ablate.store.reader import read_config
from ablate.store.result import Result, read_result
from ablate.study.lockfile import read_lock
from ablate.study.plan import tuned_config
from ablate.study.schema import Study


def explain(root: Path, text: str) -> Iterator[str]:
    """Yield what a run is, and how every entry at its place differs from what the study asks.

    Raises ConfigError where no run, or more than one, fits.
    """
    place = find_run(root, text)
    wanted, study = _wanted(root, place)
    yield f"{place.study}/{place.cell.slug}/{place.replicate}"
    yield f"asked for  key {(place.expected or 'unknown')[:12]}"
    entries = [place.directory, *_replaced(root, place)]
    for directory in entries:
        try:
            result = read_result(directory)
        except AblateError as error:
            yield f"damaged    {error}"
            continue
        where = directory.relative_to(root)
        if result is None:
            if directory == place.directory:
                yield f"missing    {where} has no result: not trained, or interrupted"
            continue
        state = "n/c" if result.status == "diverged" else result.status
        if result.status == "failed":
            yield f"failed     {where}: {result.message}"
        elif result.key == place.expected:
            yield f"current    {where}: {state}, key {result.key[:12]}"
        else:
            yield f"stale      {where}: {state}, key {result.key[:12]}; it differs in"
            for line in _differences(directory, result, wanted, study, place):
                yield f"           {line}"


def _wanted(root: Path, place: Place) -> tuple[RunConfig, Study]:
    locked = read_lock(root / "runs" / place.study)
    found = {cell.slug: cell.config for cell in locked.cells} if locked else {}
    if locked is None or place.cell.slug not in found:
        raise ConfigError(f"study '{place.study}' has no lock file that tells of this cell.")
    return found[place.cell.slug], locked.study


def _replaced(root: Path, place: Place) -> list[Path]:
    """Return the entries that were moved away from the place, by name."""
    folder = root / "runs" / ".stale" / place.study / place.cell.slug
    return sorted(folder.glob(f"{place.replicate}-*"))


def _differences(
    directory: Path, result: Result, wanted: RunConfig, study: Study, place: Place
) -> Iterator[str]:
    told = False
    try:
        had = run_config(read_config(directory))
    except AblateError as error:
        yield f"a config that is no longer valid: {error}"
        return
    if study.tune is not None:
        # What was tuned is no difference of the cell's.
        value = flat(had.model_dump())[study.tune.key]
        wanted = tuned_config(wanted, study.tune.key, float(value))
    before, now = flat(canonical(had)), flat(canonical(wanted))
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            told = True
            yield f"{key}: {_said(before, key)} then, {_said(now, key)} now"
    for name, then, asked in (
        ("device", result.provenance.get("device"), device_kind(wanted.trainer.device)),
        ("data", result.provenance.get("data_digest"), data.digest(wanted.data)),
    ):
        if then is not None and then != asked:
            told = True
            yield f"{name}: {str(then)[:12]} then, {str(asked)[:12]} now"
    if not told:
        yours = wanted.user_code or wanted.trainer.is_user_code
        or_file = " or a file of your own code" if yours else ""
        yield f"nothing that the config says: the results version{or_file} is another"


def _said(values: Mapping[str, Any], key: str) -> str:
    return str(values[key]) if key in values else "the default"
