"""What a claim is about, run by run: a final metric, a point on a curve, or the probe."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import ReportError, one_of
from ablate.metrics import Expression, Final, Probed, StepsTo, effect_unit, quantity
from ablate.report.frame import Frames
from ablate.report.run_arrays import Measure
from ablate.report.stored import LargeFrame, taken
from ablate.study.schema import Study

Floats = npt.NDArray[np.float64]


def measure(expression: Expression | None, study: Study, frames: Frames) -> Measure:
    """Return what `expression` says, or the study's metric where it is None.

    A run whose curve never is where `steps_to` wants it counts as n/c.

    Raises ReportError for what no run has.
    """
    runs = frames.runs[frames.runs["status"] != "failed"]
    diverged = (runs["status"] == "diverged").to_numpy()
    match expression:
        case StepsTo():
            steps = np.where(diverged, np.nan, _steps_to(expression, runs, frames.epochs))
            measured = runs.assign(value=steps, not_converged=np.isnan(steps))
            return Measure(study, measured, "steps", "lower")
        case Probed():
            layer, values = _probed(expression, runs, frames.layers)
            # What was probed is a number whether or not the run converged afterwards.
            measured = runs.assign(value=values, not_converged=np.isnan(values) & diverged)
            return Measure(study, measured, "", "higher", layer)
        case Final(name):
            better = quantity(name).better or "lower"
        case None:
            name, better = study.metric.name, study.metric.better
    if name not in runs:
        raise ReportError(f"the runs have no metric '{name}'.")
    scale = quantity(name).effect_scale
    values = np.where(diverged, np.nan, scale * runs[name].to_numpy(float))
    has = pd.Series(np.isfinite(values) | diverged, index=runs["cell"]).groupby(level=0).any()
    measured = runs.assign(value=values, not_converged=diverged)
    absent = frozenset(has.index[~has])
    unit = effect_unit(name, study.task)
    return Measure(
        study, measured, unit, better,
        name=name, scale=scale, tuning=frames.tuning, absent=absent,
    )  # fmt: skip


def _steps_to(expression: StepsTo, runs: pd.DataFrame, epochs: pd.DataFrame) -> Floats:
    if expression.curve not in epochs:
        raise ReportError(f"metric {expression}: no curve is called '{expression.curve}'.")
    values = quantity(expression.curve).effect_scale * epochs[expression.curve].to_numpy(float)
    target = expression.target
    there = epochs[(values >= target) if expression.rises else (values <= target)]
    return _by_run(runs, there.groupby(["cell", "replicate"])["step"].min())


def _probed(expression: Probed, runs: pd.DataFrame, layers: LargeFrame) -> tuple[int, Floats]:
    """Return the layer that is meant and the statistic of each run there, or its ratio."""
    read = ("cell", "replicate", "step", "layer", expression.statistic)
    layers = taken(layers, read, quantity=[expression.quantity])
    layer, values = _of_layer(expression, expression.layer, runs, layers)
    if expression.against is not None:
        _, below = _of_layer(expression, expression.against, runs, layers)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = values / below
        values[~np.isfinite(values)] = np.nan
    if not np.isfinite(values).any():
        raise ReportError(f"metric {expression}: no run was probed there.")
    return layer, values


def _of_layer(
    expression: Probed, named: int | Literal["last"], runs: pd.DataFrame, layers: pd.DataFrame
) -> tuple[int, Floats]:
    """Return the layer of that name and the statistic of each run there."""
    known = sorted({int(layer) for layer in layers["layer"]})
    layer = known[-1] if named == "last" and known else named
    if layer not in known:
        raise ReportError(
            f"metric {expression}: there is no layer {layer}; allowed are "
            f"{one_of(map(str, known)) if known else 'none'}."
        )
    layers = layers[layers["layer"] == layer]
    steps = layers.groupby(["cell", "replicate"])["step"]
    at = steps.transform("max") if expression.step == "last" else expression.step
    found = layers[layers["step"] == at].set_index(["cell", "replicate"])[expression.statistic]
    return int(layer), _by_run(runs, found)


def _by_run(runs: pd.DataFrame, found: pd.Series) -> Floats:
    keys = pd.MultiIndex.from_frame(runs[["cell", "replicate"]])
    return np.asarray(found.reindex(keys).to_numpy(float))
