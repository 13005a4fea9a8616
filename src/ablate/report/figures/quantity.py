"""What a figure may show of a run besides the study's metric: its label, unit and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ablate.errors import ConfigError, one_of
from ablate.report.figures.select import Request, at_step

_LABELS = {
    "weights/norm": "norm of the weights",
    "weights/zero": "zero weights (%)",
    "weights/small": "weights below 0.001 (%)",
    "members/accuracy": "accuracy of a member (%)",
    "members/brier": "Brier score of a member",
    "members/disagreement": "two members disagree (%)",
    "stopping/step": "step at which training ended",
    "stopping/best_step": "step of the best evaluation",
    "probe/zero": "zero activations (%)",
    "probe/dead": "dead units (%)",
    "probe/saturated": "saturated activations (%)",
    "probe/mean": "mean activation",
    "probe/std": "std of activations",
    "probe/rms": "root mean square of activations",
}
_NAMES = {
    "accuracy": "accuracy (%)", "loss": "loss (nats)", "nll": "cross-entropy (nats)",
    "brier": "Brier score", "ece": "calibration error (%)",
}  # fmt: skip
_SHARES = ("accuracy", "ece", "zero", "dead", "saturated", "small", "disagreement")


@dataclass(frozen=True)
class Quantity:
    """A column of the runs frame, how it is called, and what it is multiplied by to be shown."""

    column: str
    label: str
    scale: float


def with_quantity(request: Request) -> tuple[Request, Quantity]:
    """Return what the item's options `metric` or `probe` ask for, else the study's metric.

    A statistic of the probe is that of the activations at the last step probed, averaged over
    the hidden layers; it joins the runs frame as a column.
    """
    options = request.item.options
    if "probe" in options:
        column = f"probe/{options['probe']}"
        if column not in _LABELS:
            known = [name.removeprefix("probe/") for name in _LABELS if name.startswith("probe/")]
            raise ConfigError(
                f"report: {request.item.kind} has probe: {options['probe']}; it must be "
                f"{one_of(known)}."
            )
        runs = request.frames.runs.merge(_probed(request, str(options["probe"])), how="left")
        request = replace(request, frames=replace(request.frames, runs=runs))
    else:
        column = str(options.get("metric", request.study.metric.name))
    if column == request.study.metric.name:
        metric = request.study.metric
        return request, Quantity(column, metric.label, metric.scale)
    if column not in request.frames.runs:
        known = [str(name) for name in request.frames.runs if "/" in str(name)]
        raise ConfigError(
            f"report: {request.item.kind} has metric: {column}, which no run has; there are "
            f"{one_of(known)}."
        )
    return request, quantity_of(column)


def quantity_of(column: str) -> Quantity:
    """Return how a column of the runs frame is shown."""
    part, _, name = column.partition("/")
    label = _LABELS.get(column, f"{part} {_NAMES.get(name, name)}")
    return Quantity(column, label, 100 if name in _SHARES else 1)


def file_name(name: str, options: Mapping[str, Any]) -> str:
    """Return a figure's name that tells it from the same kind of another quantity."""
    extra = options.get("metric") or (f"probe-{options['probe']}" if "probe" in options else "")
    if not extra:
        return name
    kind, _, rest = name.partition("-")
    return "-".join(filter(None, [kind, str(extra).replace("/", "_"), rest]))


def _probed(request: Request, statistic: str) -> pd.DataFrame:
    layers = request.frames.layers
    rows = at_step(layers[layers["quantity"] == "activation"], "last")
    means = rows.groupby(["cell", "replicate"])[statistic].mean()
    return means.rename(f"probe/{statistic}").reset_index()
