"""`manifest.json`: the runs behind every cell and figure, and the digests of all files."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic asks for it before Python 3.12

from ablate.report.columns import level_column
from ablate.report.printed_table import PrintedTable
from ablate.store.files import sha256
from ablate.study.lockfile import NAME as LOCK_NAME
from ablate.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd

    from ablate.report.circumstances import Facts
    from ablate.report.contradictions import Contradiction
    from ablate.report.origins import Origin
    from ablate.report.warning import DataWarning

NAME = "manifest.json"

#: A file of the report's own folder: those that a new report no longer has are removed.
_FileName = Annotated[str, Field(pattern=r"^[^/\x00]+\.[^/\x00]+$")]


class _Cell(TypedDict):
    row: str
    column: str
    text: str
    cell: str | None


class _Table(TypedDict):
    cells: list[_Cell]


class _Warning(TypedDict):
    kind: str
    claim: str | None
    text: str


@with_config(ConfigDict(strict=True, extra="allow"))
class _Manifest(TypedDict):
    """What is read of a manifest; whatever else it says is for people."""

    study: str
    question: str
    answer: str
    digest: str
    platform: dict[str, Any]
    files: list[_FileName]
    tables: NotRequired[dict[str, _Table]]
    verdicts: NotRequired[list[dict[str, str]]]
    warnings: NotRequired[list[_Warning]]
    contradictions: NotRequired[list[dict[str, str]]]
    headline: NotRequired[list[str]]
    missing: NotRequired[list[str]]
    data: NotRequired[list[str]]
    lecture: NotRequired[str]
    quick: NotRequired[bool]
    digests: NotRequired[dict[str, str]]


_READER = TypeAdapter(_Manifest)


@dataclass(frozen=True)
class FigureFiles:
    """A figure on disk.

    name     the file's stem, unique within a report
    number   its place among the figures of the report, from 1
    caption  what is shown, of how many runs, and what band or bar is
    gif      the same as an animation, where there is one
    """

    name: str
    number: int
    caption: str
    svg: Path
    png: Path
    gif: Path | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Return the names of its files."""
        return tuple(path.name for path in (self.png, self.svg, self.gif) if path)

    def moved(self, directory: Path) -> FigureFiles:
        """Return it with its files moved into another directory."""
        svg, png, gif = (
            path and Path(shutil.move(path, directory / path.name))
            for path in (self.svg, self.png, self.gif)
        )
        assert svg
        assert png
        return replace(self, svg=svg, png=png, gif=gif)


@dataclass(frozen=True)
class Report:
    """Everything that pages and manifest say, in no order.

    figures  a sentence in place of an item that the runs could not give
    digest   of study and runs
    control  of the A/A control; empty where there is none
    warnings what the data warn of by themselves
    contradictions  statements of lectures and papers that its verdicts speak against
    deviations  later declarations: when each was made, and what it changed
    deviation_rule  at what level claims are judged for it; empty where there are none
    """

    study: Study
    facts: Facts
    answer: str
    tables: Sequence[PrintedTable]
    figures: Sequence[FigureFiles | str]
    origins: Sequence[Origin]
    digest: str
    control: str
    warnings: Sequence[DataWarning] = ()
    contradictions: Sequence[Contradiction] = ()
    deviations: Sequence[Mapping[str, Any]] = ()
    deviation_rule: str = ""

    @property
    def missing(self) -> list[str]:
        """The sentences on what the runs could not give."""
        return [figure for figure in self.figures if isinstance(figure, str)]

    @property
    def drawn(self) -> list[FigureFiles]:
        """The figures that there are."""
        return [figure for figure in self.figures if not isinstance(figure, str)]


class RunResult(NamedTuple):
    """What the digest sees of a run; the ledger's `result.json` has all of it."""

    cell: str
    replicate: int
    key: str
    status: str
    metrics: Mapping[str, float]


def digest(study: Study, results: Iterable[RunResult]) -> str:
    """Return a SHA-256 of study and runs: equal where two reports tell of the same results.

    Keys say what was trained and the metrics what came of it; all else follows from these runs.
    """
    rows = sorted([*r[:4], {name: float(v) for name, v in r.metrics.items()}] for r in results)
    content = {"study": study.as_declared(), "runs": rows}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def results_of(runs: pd.DataFrame) -> list[RunResult]:
    """Return the results that the frame `runs` holds: equal to those in the ledger."""
    from ablate.report.frame import metric_columns

    names = metric_columns(runs)
    metrics = [
        {name: value for name, value in zip(names, values, strict=True) if not math.isnan(value)}
        for values in runs[names].to_numpy(float).tolist()
    ]
    columns = (runs[name].tolist() for name in ("cell", "replicate", "key", "status"))
    return [
        RunResult(cell, int(replicate), key, status, found)
        for cell, replicate, key, status, found in zip(*columns, metrics, strict=True)
    ]


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """Return a report's manifest, or None where there is none that can be read."""
    try:
        return dict(_READER.validate_json((directory / NAME).read_bytes()))
    except (OSError, ValueError):
        return None


def read_reports(reports: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return folder and manifest of every report below a folder, by name; quick ones left out."""
    folders = sorted(reports.iterdir()) if reports.is_dir() else []
    found = ((folder.name, read_manifest(folder)) for folder in folders)
    return [(name, manifest) for name, manifest in found if manifest and not manifest.get("quick")]


def manifest_text(
    report: Report,
    runs: pd.DataFrame,
    files: Sequence[str],
    verdicts: Sequence[Mapping[str, str]],
    digests: Mapping[str, str],
) -> str:
    """Return the text of `manifest.json`; a figure is drawn from all runs of the study.

    verdicts  per claim what the table of claims says
    digests   the SHA-256 of every file of the report but this one
    """
    study = report.study
    cells: dict[str, dict[str, Any]] = {}
    read = ["cell", "replicate", "key", *(level_column(f.name) for f in study.factors)]
    for row in runs.sort_values(["cell", "replicate"])[read].to_dict("records"):
        levels = {f.name: row[level_column(f.name)] for f in study.factors}
        levels = {name: level for name, level in levels.items() if isinstance(level, str)}
        cell = cells.setdefault(row["cell"], {"levels": levels, "runs": {}})
        cell["runs"][str(int(row["replicate"]))] = row["key"]
    content: dict[str, Any] = {
        "study": study.name,
        "question": study.question,
        "answer": report.answer,
        "digest": report.digest,
        "platform": this_platform(),
        "tables": {table.name: _table(table, cells) for table in report.tables},
        "figures": {
            figure.name: {
                "files": [figure.png.name, figure.svg.name],
                "caption": figure.caption,
                "cells": list(cells),
            }
            for figure in report.drawn
        },
        "cells": cells,
        "files": sorted(files),
        "digests": dict(sorted(digests.items())),
    }
    # What most reports do not have is left out: theirs must not change for it.
    seldom = {
        "headline": list(study.headline_claims),
        "verdicts": list(verdicts),
        "warnings": [warning.as_told() for warning in report.warnings],
        "contradictions": [one.as_told() for one in report.contradictions],
        "deviations": list(report.deviations),
        "missing": report.missing,
        "quick": study.is_quick,
        "data": list(dict.fromkeys(phrase.partition(" (")[0] for phrase in report.facts.data)),
        "lecture": study.source.get("lecture", ""),
    }
    content |= {name: value for name, value in seldom.items() if value}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def file_digests(directory: Path, files: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of a report's `files`, and of frames and lock file beside them."""
    beside = [path.name for path in directory.glob("*.parquet")]
    names = {*files, *beside, LOCK_NAME}
    return {n: sha256((directory / n).read_bytes()) for n in names if (directory / n).is_file()}


def this_platform() -> dict[str, Any]:
    """Return what may change the last bits of a number or the bytes of a figure, for people."""
    import numpy as np

    simd: Mapping[str, Any] = np.show_config(mode="dicts")["SIMD Extensions"]
    packages = ("numpy", "pandas", "pyarrow", "scipy", "matplotlib")
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "simd": list(simd.get("found", [])),
        **{name: version(name) for name in packages},
    }


def _table(grid: PrintedTable, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return every printed cell with its text and the keys of its runs by replicate."""
    return {
        "title": grid.title,
        "files": list(grid.files),
        "cells": [
            {
                "row": row,
                "column": column,
                "text": str(entry),
                "cell": entry.cell or None,
                "runs": cells[entry.cell]["runs"] if entry.cell else {},
            }
            for row, entries in grid.rows
            for column, entry in zip(grid.columns, entries, strict=True)
        ],
    }
