"""What a claim is about, run by run: a final metric, a point on a curve, or the probe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.errors import ConfigError, one_of
from ablate.report.frame import QUANTITIES, STATISTICS, Frames
from ablate.study.schema import Metric, Study

_CALL = re.compile(r"(steps_to|probe)\((.*)\)")
_HIGHER = ("accuracy",)


@dataclass(frozen=True, eq=False)
class Measure:
    """A quantity of every run that finished.

    values  one row per run: cell, replicate, value (as shown; NaN where there is none) and lost,
            whether the run counts as not converged for it
    unit    `points`, `steps`, `nats` or nothing
    better  what a lost run is worse than
    layer   of a probe's quantity, and its name; for theories
    absent  cells whose finished runs all lack it, as the step at which one stopped that never did
    """

    values: pd.DataFrame
    unit: str
    better: str
    layer: tuple[str, int] | None = None
    absent: frozenset[str] = frozenset()


def measure(expression: str | None, study: Study, frames: Frames) -> Measure:
    """Return what `expression` says, or the study's metric where it is None.

    steps_to(validation/accuracy, 95)           steps until the curve is there (accuracy in
                                                percent); a run that never is has lost
    probe(activation/std, layer=10, step=0)     a statistic of the probe at a step, or `last`

    Raises ConfigError for what no run has.
    """
    if expression is None:
        return _final(study.metric.name, study.metric, frames)
    call = _CALL.fullmatch(expression.strip())
    if call is None:
        return _final(expression, None, frames)
    words = [word.strip() for word in call[2].split(",")]
    return (_steps_to if call[1] == "steps_to" else _probe)(expression, words, frames)


def _final(name: str, metric: Metric | None, frames: Frames) -> Measure:
    runs = frames.runs[frames.runs["status"] != "failed"]
    if name not in runs:
        raise ConfigError(f"claims: the runs have no metric '{name}'.")
    quantity = name.rpartition("/")[2]
    scale = 100 if quantity == "accuracy" else 1
    lost = (runs["status"] == "diverged").to_numpy()
    values = np.where(lost, np.nan, scale * runs[name].to_numpy(float))
    unit = {"accuracy": "points", "loss": "nats", "nll": "nats"}.get(quantity, "")
    better = metric.better if metric else "higher" if quantity in _HIGHER else "lower"
    has = pd.Series(np.isfinite(values) | lost, index=runs["cell"]).groupby(level=0).any()
    return Measure(_table(runs, values, lost), unit, better, absent=frozenset(has.index[~has]))


def _steps_to(expression: str, words: list[str], frames: Frames) -> Measure:
    curve = words[0]
    try:
        target = float(words[1])
    except (IndexError, ValueError):
        raise ConfigError(
            f"claims: metric {expression}: write steps_to(validation/accuracy, 95)."
        ) from None
    if curve not in frames.epochs:
        raise ConfigError(f"claims: metric {expression}: no curve is called '{curve}'.")
    rising = curve.rpartition("/")[2] in _HIGHER
    values = frames.epochs[curve].to_numpy(float) * (100 if rising else 1)
    there = frames.epochs[(values >= target) if rising else (values <= target)]
    first = there.groupby(["cell", "replicate"])["step"].min()
    runs = frames.runs[frames.runs["status"] != "failed"]
    keys = pd.MultiIndex.from_frame(runs[["cell", "replicate"]])
    steps = first.reindex(keys).to_numpy(float)
    steps = np.where(runs["status"] == "diverged", np.nan, steps)
    return Measure(_table(runs, steps, np.isnan(steps)), "steps", "lower")


def _probe(expression: str, words: list[str], frames: Frames) -> Measure:
    quantity, _, statistic = words[0].partition("/")
    options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    options = {key.strip(): value.strip() for key, value in options.items()}
    if quantity not in QUANTITIES or statistic not in STATISTICS or "layer" not in options:
        raise ConfigError(
            f"claims: metric {expression}: write probe(activation/std, layer=10, step=0) with "
            f"{one_of(QUANTITIES)}, and {one_of(STATISTICS)}."
        )
    layers = frames.layers[frames.layers["quantity"] == quantity]
    layer = _layer(options, layers, expression)
    layers = layers[layers["layer"] == layer]
    steps = layers.groupby(["cell", "replicate"])["step"]
    wanted = options.get("step", "last")
    at = steps.transform("max") if wanted == "last" else _number(wanted, expression)
    layers = layers[layers["step"] == at]
    found = layers.set_index(["cell", "replicate"])[statistic]
    runs = frames.runs[frames.runs["status"] != "failed"]
    keys = pd.MultiIndex.from_frame(runs[["cell", "replicate"]])
    values = found.reindex(keys).to_numpy(float)
    if not np.isfinite(values).any():
        raise ConfigError(f"claims: metric {expression}: no run was probed there.")
    # What was probed is a number whether or not the run converged afterwards.
    lost = np.isnan(values) & (runs["status"] == "diverged").to_numpy()
    return Measure(_table(runs, values, lost), "", "higher", (quantity, layer))


def _layer(options: Mapping[str, str], layers: pd.DataFrame, expression: str) -> int:
    known = sorted({int(layer) for layer in layers["layer"]})
    if options["layer"] == "last" and known:
        return known[-1]
    layer = int(_number(options["layer"], expression))
    if layer not in known:
        raise ConfigError(
            f"claims: metric {expression}: there is no layer {layer}; allowed are "
            f"{one_of(map(str, known)) if known else 'none'}."
        )
    return layer


def _number(text: str, expression: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"claims: metric {expression}: '{text}' is no number.") from None


def _table(runs: pd.DataFrame, values: np.ndarray, lost: np.ndarray) -> pd.DataFrame:
    factors = [name for name in runs if str(name).startswith("factor:")]
    table = runs[["cell", "replicate", *factors]].copy()
    table["value"], table["lost"] = values, lost
    return table
