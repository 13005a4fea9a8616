"""Which quantity a figure shows: the study's metric, another of its runs, or one of the probe."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ablate.errors import ConfigError, one_of
from ablate.metrics import Quantity, quantity
from ablate.report.context import Context
from ablate.report.figures.select import Subject, at_step
from ablate.study.items import OfQuantity
from ablate.study.schema import Metric


def with_quantity(context: Context) -> tuple[Context, str, Quantity]:
    """Return the column that the item's options ask for, with how it is shown.

    It is that of `metric` or of `probe`, else the study's metric. A statistic of the probe is
    that of the activations at the last step probed, averaged over the hidden layers; it joins the
    runs frame as a column. Raises ConfigError for a metric that no run has.
    """
    item, metric = context.item, context.study.metric
    assert isinstance(item, OfQuantity)
    if item.probe is not None:
        column = f"probe/{item.probe}"
        runs = context.frames.runs.merge(_probed(context, item.probe), how="left")
        context = replace(context, frames=replace(context.frames, runs=runs))
        return context, column, quantity(column)
    if item.metric in (None, metric.name):
        return context, metric.name, as_tables_call_it(metric)
    assert item.metric is not None
    if item.metric not in context.frames.runs:
        known = [str(name) for name in context.frames.runs if "/" in str(name)]
        raise ConfigError(
            f"report: {item.kind} has metric: {item.metric}, which no run has; there are "
            f"{one_of(known)}."
        )
    return context, item.metric, quantity(item.metric)


def as_tables_call_it(metric: Metric) -> Quantity:
    """Return how figures show the study's metric: with the name and unit of its tables."""
    return Quantity(metric.name, metric.title, metric.unit)


def sentence_case(text: str) -> str:
    """Return a text with a capital letter first, as captions begin."""
    return text[0].upper() + text[1:]


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
