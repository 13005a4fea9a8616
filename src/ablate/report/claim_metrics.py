"""What a claim is about, run by run: a final metric, a point on a curve, or the probe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import ReportError, one_of
from ablate.metrics import Better, Expression, Final, Probed, StepsTo, effect_unit, quantity
from ablate.report.frame import Frames
from ablate.report.run_arrays import Measure
from ablate.study.schema import Study


def measure(expression: Expression | None, study: Study, frames: Frames) -> Measure:
    """Return what `expression` says, or the study's metric where it is None.

    A run whose curve never is where `steps_to` wants it counts as n/c.

    Raises ReportError for what no run has.
    """
    runs = frames.runs[frames.runs["status"] != "failed"]
    match expression:
        case StepsTo():
            return _steps_to(study, expression, runs, frames.epochs)
        case Probed():
            return _probed(study, expression, runs, frames.layers)
        case Final():
            better = quantity(expression.name).better or "lower"
            return _final(study, expression.name, better, runs)
        case None:
            return _final(study, study.metric.name, study.metric.better, runs)


def _final(study: Study, name: str, better: Better, runs: pd.DataFrame) -> Measure:
    if name not in runs:
        raise ReportError(f"the runs have no metric '{name}'.")
    not_converged = (runs["status"] == "diverged").to_numpy()
    values = quantity(name).effect_scale * runs[name].to_numpy(float)
    values = np.where(not_converged, np.nan, values)
    has = pd.Series(np.isfinite(values) | not_converged, index=runs["cell"])
    by_cell = has.groupby(level=0).any()
    absent = frozenset(by_cell.index[~by_cell])
    return Measure(
        study,
        runs.assign(value=values, not_converged=not_converged),
        effect_unit(name),
        better,
        absent=absent,
    )


def _steps_to(
    study: Study, expression: StepsTo, runs: pd.DataFrame, epochs: pd.DataFrame
) -> Measure:
    if expression.curve not in epochs:
        raise ReportError(f"metric {expression}: no curve is called '{expression.curve}'.")
    values = quantity(expression.curve).effect_scale * epochs[expression.curve].to_numpy(float)
    target = expression.target
    there = epochs[(values >= target) if expression.rises else (values <= target)]
    steps = _by_run(runs, there.groupby(["cell", "replicate"])["step"].min())
    steps = np.where(runs["status"] == "diverged", np.nan, steps)
    return Measure(study, runs.assign(value=steps, not_converged=np.isnan(steps)), "steps", "lower")


def _probed(study: Study, expression: Probed, runs: pd.DataFrame, layers: pd.DataFrame) -> Measure:
    layers = layers[layers["quantity"] == expression.quantity]
    known = sorted({int(layer) for layer in layers["layer"]})
    layer = known[-1] if expression.layer == "last" and known else expression.layer
    if layer not in known:
        raise ReportError(
            f"metric {expression}: there is no layer {layer}; allowed are "
            f"{one_of(map(str, known)) if known else 'none'}."
        )
    layers = layers[layers["layer"] == layer]
    steps = layers.groupby(["cell", "replicate"])["step"]
    at = steps.transform("max") if expression.step == "last" else expression.step
    found = layers[layers["step"] == at].set_index(["cell", "replicate"])[expression.statistic]
    values = _by_run(runs, found)
    if not np.isfinite(values).any():
        raise ReportError(f"metric {expression}: no run was probed there.")
    # What was probed is a number whether or not the run converged afterwards.
    not_converged = np.isnan(values) & (runs["status"] == "diverged").to_numpy()
    return Measure(
        study, runs.assign(value=values, not_converged=not_converged), "", "higher", int(layer)
    )


def _by_run(runs: pd.DataFrame, found: pd.Series) -> npt.NDArray[np.float64]:
    keys = pd.MultiIndex.from_frame(runs[["cell", "replicate"]])
    return np.asarray(found.reindex(keys).to_numpy(float))
