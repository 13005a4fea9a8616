"""What a figure may show of a run besides the study's metric: its label, unit and column."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from ablate.errors import ConfigError, one_of
from ablate.report.context import Context
from ablate.report.figures.select import Subject, at_step
from ablate.study.items import OfQuantity

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


def with_quantity(context: Context) -> tuple[Context, Quantity]:
    """Return what the item's options `metric` or `probe` ask for, else the study's metric.

    A statistic of the probe is that of the activations at the last step probed, averaged over
    the hidden layers; it joins the runs frame as a column.
    """
    item = context.item
    assert isinstance(item, OfQuantity)
    if item.probe is not None:
        column = f"probe/{item.probe}"
        runs = context.frames.runs.merge(_probed(context, item.probe), how="left")
        context = replace(context, frames=replace(context.frames, runs=runs))
    else:
        column = item.metric or context.study.metric.name
    if column == context.study.metric.name:
        metric = context.study.metric
        return context, Quantity(column, metric.label, metric.scale)
    if column not in context.frames.runs:
        known = [str(name) for name in context.frames.runs if "/" in str(name)]
        raise ConfigError(
            f"report: {context.item.kind} has metric: {column}, which no run has; there are "
            f"{one_of(known)}."
        )
    return context, quantity_of(column)


def quantity_of(column: str) -> Quantity:
    """Return how a column of the runs frame is shown."""
    part, _, name = column.partition("/")
    label = _LABELS.get(column, f"{part} {_NAMES.get(name, name)}")
    return Quantity(column, label, 100 if name in _SHARES else 1)


def file_name(subject: Subject) -> str:
    """Return a figure's name that tells it from the same kind of another quantity."""
    item = subject.item
    assert isinstance(item, OfQuantity)
    extra = item.metric or (f"probe-{item.probe}" if item.probe else "")
    if not extra:
        return subject.name
    kind, _, rest = subject.name.partition("-")
    return "-".join(filter(None, [kind, extra.replace("/", "_"), rest]))


def _probed(context: Context, statistic: str) -> pd.DataFrame:
    layers = context.frames.layers
    rows = at_step(layers[layers["quantity"] == "activation"], "last")
    means = rows.groupby(["cell", "replicate"])[statistic].mean()
    return means.rename(f"probe/{statistic}").reset_index()
