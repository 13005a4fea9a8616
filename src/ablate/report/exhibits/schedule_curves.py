"""The learning rate while training, and what it does to loss and accuracy."""

from collections.abc import Iterator, Mapping

import pandas as pd

from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Margins, few_log_ticks, page
from ablate.report.figures.sample import band
from ablate.report.figures.select import Subject, converged, over_epochs, subjects
from ablate.study.schema import Study


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw learning rate, training loss and validation accuracy over epochs, a line per level."""
    for subject in subjects(context, "lines"):
        if len(subject.joined(context.frames.epochs)):
            yield _draw(subject, schedule_curves(subject))


def panels(study: Study) -> Mapping[str, str]:
    """Return what each panel is called, by the column of the evaluations that it shows."""
    watched, loss = study.metric.watched, study.quantity("train/loss")
    return {
        "lr": "learning rate",
        "train/loss": loss.title.replace("train", "training"),
        watched: study.quantity(watched).title,
    }


def schedule_curves(subject: Subject) -> Mapping[tuple[str, str], pd.Series]:
    """Return medians over epochs, as shown, by column of the evaluations and level of `lines`.

    They are taken at the end of each epoch, over the replicates that converged.
    """
    rows = converged(over_epochs(subject))
    return {
        (column, line): subject.study.quantity(column).scale
        * band(subject.where(rows, lines=line), "epoch", column)["middle"]
        for column in panels(subject.study)
        for line in subject.levels("lines")
    }


def _draw(subject: Subject, curves: Mapping[tuple[str, str], pd.Series]) -> Drawing:
    margins, style, shown = Margins(left=0.55, top=0.2), subject.style, panels(subject.study)
    watched = subject.study.metric.watched
    figure, axes = page(
        style, [1.8], len(shown), style.two_columns, margins, subject.legend("lines")
    )
    for axis, (column, label) in zip(axes[0], shown.items(), strict=True):
        for line in subject.levels("lines"):
            curve, look = curves[column, line], subject.ink("lines", line)
            axis.plot(curve, color=look.color, marker=look.marker, ms=2.6, lw=0.9)
        axis.set_title(label, loc="left")
        axis.set_xlabel("epoch")
    axes[0, 1].set_yscale("log")
    few_log_ticks(axes[0, 1])
    return subject.drawing(
        figure,
        f"Learning rate, training loss and {subject.study.quantity(watched).label}",
        "Median over the replicates that converged, at the end of each epoch; the learning rate "
        "is that of its last step, the training loss the mean over its steps.",
    )
