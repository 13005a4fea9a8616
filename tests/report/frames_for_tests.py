"""Small studies and frames, made up by the schema of `ablate.report.frame`."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.report.circumstances import Facts
from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.frame import Frames
from ablate.stats import Arm
from ablate.study.items import ITEMS, Item
from ablate.study.schema import Factor, Level, Metric, Study, Tune

NC, MISSING, FAILED = "n/c", None, "failed"
FACTS = Facts(
    data=("digits (1,200 training, 237 validation and 360 test examples)",),
    examples={"train": 1200, "validation": 237, "test": 360},
    training="5 epochs, batch size 128",
    commands=("ablate sweep study=init_method",),
)
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="2">'
    '<rect width="4" height="2"/></svg>\n'
)


def factor(name: str, levels: Sequence[str], label: str | None = None) -> Factor:
    made = tuple(Level(name=level, overrides={name: level}) for level in levels)
    return Factor(name=name, label=label or name, levels=made)


def make_study(
    *factors: Factor,
    replicates: int = 3,
    metric: str = "test/accuracy",
    report: Sequence[Item | str] = ("table",),
    tune: Tune | None = None,
    **others: Any,
) -> Study:
    items = tuple(ITEMS[i]() if isinstance(i, str) else i for i in report)
    better = "higher" if metric.endswith("accuracy") else "lower"
    return Study(
        name=others.pop("name", "init_method"),
        question=others.pop("question", "Does the initialization matter?"),
        baseline={"data": "digits"},
        factors=factors,
        replicates=replicates,
        metric=Metric(name=metric, better=better),
        report=items,
        tune=tune,
        **others,
    )


def make_runs(
    study: Study, values: Mapping[tuple[str, ...], Sequence[float | str | None]], **columns: Any
) -> pd.DataFrame:
    """One row per run; `values` by the cell's levels: a number, NC, FAILED or MISSING."""
    rows = []
    for levels in product(*(f.levels for f in study.factors)):
        names = tuple(level.name for level in levels)
        slug = "_".join(f"{f.name}={n}" for f, n in zip(study.factors, names, strict=True))
        for replicate, value in enumerate(values.get(names, ())):
            if value is MISSING:
                continue
            status = {NC: "diverged", FAILED: "failed"}.get(str(value), "done")
            rows.append(
                {
                    "cell": slug,
                    "cell_key": f"cell-{slug}",
                    "key": f"key-{slug}-{replicate}",
                    "replicate": replicate,
                    **{f"factor:{f.name}": n for f, n in zip(study.factors, names, strict=True)},
                    "status": status,
                    "nc_reason": "nonfinite" if status == "diverged" else None,
                    study.metric.name: float(value) if status == "done" else math.nan,
                    "parameters": math.nan if status == "failed" else 1_276_806.0,
                    "multiply_adds": math.nan if status == "failed" else 382e6,
                    "commit": "0123456789abcdef",
                    "dirty": False,
                    "torch": "2.13.0",
                    "device": "cpu",
                    "cpu": "a processor",
                    "data_digest": "ab" * 32,
                    "seed": 0,
                    **columns,
                }
            )
    factors = [f"factor:{f.name}" for f in study.factors]
    names = ["cell", "replicate", "status", "key", "parameters", "multiply_adds", *factors]
    return pd.DataFrame(rows) if rows else pd.DataFrame({name: [] for name in names})


def outcomes(*values: float | str | None) -> Arm:
    study = make_study(factor("init", ["only"]), replicates=len(values))
    from ablate.report.tables import outcomes_of

    runs = make_runs(study, {("only",): values})
    return outcomes_of(runs, "test/accuracy", study)


def make_frames(runs: pd.DataFrame) -> Frames:
    """Frames with runs alone; the others are for figures, which these tests replace."""
    columns = (
        "cell", "replicate", "step", "epoch", "quantity", "layer", "std", "train/loss",
        "validation/accuracy", "validation/loss",
    )  # fmt: skip
    nothing = pd.DataFrame({name: [] for name in columns}, dtype=float)
    names = [field.name for field in fields(Frames) if field.name != "runs"]
    return Frames(runs=runs, **dict.fromkeys(names, nothing))


@dataclass(frozen=True)
class Placeholder:
    """Stands in for a `Drawing`: two files that are written in no time."""

    name: str
    caption: str

    def save(self, directory: Path, pictures: Path | None = None) -> tuple[Path, Path, None]:
        png, svg = directory / f"{self.name}.png", directory / f"{self.name}.svg"
        png.write_bytes(_PNG)
        svg.write_text(_SVG)
        return svg, png, None


def tables_and_placeholders(context: Context) -> list[Any]:
    """Return the real tables of an item, and placeholders for the figures of all others."""
    kind = context.item.kind
    if kind in ("table", "published"):
        return list(exhibits_of(context))
    return [Placeholder(kind, f"A placeholder for {kind}.")]


def two_by_two(replicates: int = 3) -> tuple[Study, pd.DataFrame]:
    """Init x activation: a clear winner, a tie, some n/c, a cell without runs."""
    study = make_study(
        factor("init", ["lsuv", "he"]),
        factor("activation", ["relu", "tanh"]),
        replicates=replicates,
        report=["table", "heatmap", "learning_curves"],
        caveats=("One data set.",),
        source={"paper": "Mishkin & Matas 2016"},
    )
    values = {
        ("lsuv", "relu"): [0.95, 0.951, 0.949],
        ("he", "relu"): [0.90, 0.90, 0.901],
        ("lsuv", "tanh"): [0.88, NC, 0.89],
    }
    return study, make_runs(study, values)
