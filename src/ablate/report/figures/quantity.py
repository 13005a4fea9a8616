"""Which quantity a figure shows: the study's metric, another of its runs, or one of the probe."""

from dataclasses import replace

from ablate.errors import ReportError, one_of
from ablate.metrics import Quantity, quantity
from ablate.report.context import Context
from ablate.report.figures.layers import probed
from ablate.report.figures.select import at_step
from ablate.report.frame import metric_columns
from ablate.study.items import OfQuantity
from ablate.study.schema import Metric


def with_quantity(context: Context) -> tuple[Context, str, Quantity]:
    """Return the column that the item's options ask for, with how it is shown.

    It is that of `metric` or of `probe`, else the study's metric. A statistic of the probe is
    that of the activations at the last step probed, averaged over the hidden layers; it joins the
    runs frame as a column. Raises ReportError for a metric that no run reports.
    """
    item, metric = context.item, context.study.metric
    assert isinstance(item, OfQuantity)
    if item.probe is not None:
        column = f"probe/{item.probe}"
        read = ("cell", "replicate", "step", item.probe)
        rows = at_step(probed(context, read, quantity=["activation"]), "last")
        means = rows.groupby(["cell", "replicate"])[item.probe].mean().rename(column)
        runs = context.frames.runs.merge(means.reset_index(), how="left")
        context = replace(context, frames=replace(context.frames, runs=runs))
        return context, column, quantity(column)
    column = item.metric or metric.name
    if column not in context.frames.runs:
        known = one_of(metric_columns(context.frames.runs))
        raise ReportError(f"no run reports the metric {column}; there is {known}.")
    return context, column, as_tables_call_it(metric) if column == metric.name else quantity(column)


def as_tables_call_it(metric: Metric) -> Quantity:
    """Return how figures show the study's metric: with the name and unit of its tables."""
    return Quantity(metric.name, metric.title, metric.unit)


def sentence_case(text: str) -> str:
    """Return a text with a capital letter first, as captions begin."""
    return text[:1].upper() + text[1:]
