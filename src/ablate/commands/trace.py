"""`ablate trace`: from a number in a report to the runs, values and settings behind it."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.commands.here import study_name
from ablate.config.key import canonical, flat
from ablate.errors import ConfigError, nearest, one_of
from ablate.report.columns import tuned_column
from ablate.report.gaps import runs_with_gaps
from ablate.report.manifest import read_manifest
from ablate.report.regenerate import load_frame
from ablate.study.lockfile import read_lock
from ablate.study.names import level_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate trace` takes."""
    parser.add_argument("study", type=study_name, help="whose report")
    parser.add_argument("what", nargs="+", help="table 1, a row's name, a column's name")


def run(options: argparse.Namespace) -> int:
    """Print what stands behind the number; return the exit code."""
    print("\n".join(trace(options.root, options.study, options.what)))
    return 0


def trace(root: Path, study: str, words: Sequence[str]) -> Iterator[str]:
    """Yield what stands behind a printed number, line by line.

    words  the table's number and names of row and column, in any order: `table 1`, `LSUV`, `relu`;
           `1` alone is a table too

    Raises ConfigError where there is no such report or table, or where the names fit no cell or
    several.
    """
    directory = root / "reports" / study
    manifest = read_manifest(directory)
    if manifest is None:
        raise ConfigError(f"there is no report of study '{study}' here.")
    table, names = _table(manifest, words)
    cell = _cell(manifest["tables"][table], table, names)
    yield f"{table}, {cell['row']}, {cell['column']}: {cell['text']}"
    yield f"cell {cell['cell']}"
    locked = read_lock(directory)
    for one in locked.cells if locked else ():
        if one.slug == cell["cell"]:
            settings = flat(canonical(one.config)).items()
            yield "settings " + "  ".join(f"{key}={value}" for key, value in settings)
    runs = runs_with_gaps(load_frame(root, study))
    runs = runs[runs["cell"] == cell["cell"]].sort_values("replicate")
    metric = locked.study.metric.name if locked else "test/accuracy"
    key = locked.study.tune.key if locked and locked.study.tune else ""
    for run in runs.to_dict("records"):
        value = "n/c" if run["status"] == "diverged" else f"{run[metric]:.6g}"
        tuned = f"  {key}={level_name(run[tuned_column(key)])}" if key else ""
        where = f"runs/{study}/{cell['cell']}/{run['replicate']}"
        known = f"{metric} {value:>10}{tuned}  {run['key'][:12]}"
        yield f"  replicate {run['replicate']}  {known}  {where}"


def _table(manifest: Mapping[str, Any], words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the table that is meant, the first where none is, and the words that are left."""
    if not manifest.get("tables"):
        raise ConfigError("this report has no table to trace a number in.")
    name, left = None, []
    for part in filter(None, map(str.strip, ",".join(words).split(","))):
        asked = f"table-{part.lower().replace('table', '').strip(' -')}"
        if asked in manifest["tables"] and name is None:
            name = asked
        elif part.lower() != "table":
            left.append(part)
    return name or next(iter(manifest["tables"])), left


def _cell(table: Mapping[str, Any], name: str, words: Sequence[str]) -> Mapping[str, Any]:
    cells: list[Mapping[str, Any]] = [cell for cell in table["cells"] if cell["cell"]]
    by_case = {part.lower(): part for cell in cells for part in (cell["row"], cell["column"])}
    for word in words:
        if word.lower() not in by_case:
            raise ConfigError(
                f"{name} has no row or column '{word}'; it has {one_of(by_case.values())}."
                f"{nearest(word.lower(), by_case)}"
            )
    wanted = {by_case[word.lower()] for word in words}
    found = [cell for cell in cells if wanted <= {cell["row"], cell["column"]}]
    if not found:
        raise ConfigError(f"no cell of {name} fits.")
    if len(found) > 1:
        fitting = ", ".join(f"{cell['row']} · {cell['column']}" for cell in found[:4])
        fitting += " …" if len(found) > 4 else ""
        raise ConfigError(f"{len(found)} cells of {name} fit; name row and column: {fitting}.")
    return found[0]
