"""Two arms class by class: accuracy, difference, and the examples that change sides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.report.changed_examples import Changed
from ablate.report.number_text import number, with_interval
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import csv_text
from ablate.report.wording import arm_text, counted, other_arm_text, pair_text
from ablate.stats import Array, t_interval
from ablate.stats.intervals import is_constant
from ablate.study.schema import Factor

#: Classes that a table prints; all are in its CSV.
_PRINTED = 20
_CSV = (
    "class", "examples", "accuracy_a", "accuracy_b", "difference", "low", "high", "won", "lost",
)  # fmt: skip
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassRow:
    """One class of the test set, or all of it where `label` is None.

    a, b        accuracy in percent, the mean over replicates and examples
    difference  of each replicate, in points, (R,)
    interval    its 95 % t interval; None where replicates do not differ
    won, lost   examples that change sides, see `Changed.sides`
    """

    label: int | None
    examples: int
    a: float
    b: float
    difference: Array
    interval: tuple[float, float] | None
    won: int
    lost: int

    @property
    def name(self) -> str:
        """The class as it is printed."""
        return "all" if self.label is None else str(self.label)


def by_class(changed: Changed, labels: Labels) -> Iterator[ClassRow]:
    """Yield a row for each class that the labels (N,) have, and one for all of them."""
    sides = changed.sides
    for label in (*np.unique(labels).tolist(), None):
        inside = np.full(len(labels), True) if label is None else labels == label
        a, b = 100 * changed.answers.right[:, :, inside].mean(axis=2)
        difference = a - b
        yield ClassRow(
            label=label,
            examples=int(inside.sum()),
            a=float(a.mean()),
            b=float(b.mean()),
            difference=difference,
            interval=None if is_constant(difference) else t_interval(difference),
            won=int((sides[inside] == 1).sum()),
            lost=int((sides[inside] == -1).sum()),
        )


def print_classes(changed: Changed, factor: Factor, labels: Labels) -> PrintedTable:
    """Return the classes as a table; of many those whose accuracies differ most."""
    *rows, everything = by_class(changed, labels)
    shown: Sequence[ClassRow] = rows
    if len(rows) > _PRINTED:
        largest = sorted(rows, key=lambda row: -round(abs(row.a - row.b), 9))[:_PRINTED]
        shown = [row for row in rows if row in largest]
    _, a, b, _ = changed.compared
    return PrintedTable(
        title=f"Test accuracy by class, {pair_text(factor, a, b)}{changed.where}.",
        corner="class",
        columns=(
            "examples",
            f"{arm_text(factor, a)} (%)",
            f"{other_arm_text(b)} (%)",
            "difference (points)",
            "won",
            "lost",
        ),
        rows=tuple((row.name, tuple(map(Entry, _texts(row)))) for row in shown),
        footer=((everything.name, _texts(everything)),),
        caption=_caption(changed, arm_text(factor, a), other_arm_text(b), len(rows)),
    )


def classes_csv(changed: Changed, labels: Labels) -> str:
    """Return every class, a line each, and all of them together, with unrounded numbers."""
    lines = [
        [
            row.name, row.examples, row.a, row.b, float(row.difference.mean()),
            *(row.interval or (None, None)), row.won, row.lost,
        ]
        for row in by_class(changed, labels)
    ]  # fmt: skip
    return csv_text(_CSV, lines)


def _texts(row: ClassRow) -> tuple[str, ...]:
    low, high = row.interval or (None, None)
    difference = with_interval(float(row.difference.mean()), low, high)
    difference = difference if row.difference.any() else "0"
    a, b = (number(accuracy, 1) for accuracy in (row.a, row.b))
    return f"{row.examples:,}", a, b, difference, f"{row.won:,}", f"{row.lost:,}"


def _caption(changed: Changed, a: str, b: str, classes: int) -> tuple[str, ...]:
    """Return the caption; a and b are the arms as they are said: `with he`."""
    count = len(changed.answers.replicates)
    sentences = [
        f"Means over {counted(count, 'replicate')}; differences are paired by replicate, each "
        "95 % t interval holds by itself, and nothing is tested.",
        f"Won: examples that more than half of the runs get right {a} and not more than half {b}; "
        "lost: the other way round.",
    ]
    if changed.answers.left_out:
        sentences.append(left_out_text(changed))
    if classes > _PRINTED:
        sentences.append(f"The {_PRINTED} of {classes} classes that differ most are shown.")
    return tuple(sentences)


def left_out_text(changed: Changed) -> str:
    """Say how many replicates are left out, as no pair of theirs converged."""
    left_out = changed.answers.left_out
    are = "is" if left_out == 1 else "are"
    return f"{counted(left_out, 'replicate')} in which no pair converged {are} left out."
