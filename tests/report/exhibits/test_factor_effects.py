"""The drawing of main effects and interactions: rows of the contrasts, in ink by their p."""

import numpy as np
import pandas as pd
import pytest
from artists import points
from scipy import stats
from small_frames import CELLS, REPLICATES, drawings, frames, study

from ablate.report.context import Context
from ablate.report.exhibits.factor_effects import contrast_rows, factorial
from ablate.report.figures.forest import SHOWN
from ablate.report.figures.style import NEUTRAL
from ablate.report.number_text import p_is
from ablate.study.items import ITEMS

#: B is ten points above A, the rest is noise.
VALUES = {
    ("A", "x"): [0.700, 0.711, 0.719, 0.730], ("A", "y"): [0.701, 0.709, 0.722, 0.731],
    ("B", "x"): [0.801, 0.811, 0.820, 0.831], ("B", "y"): [0.800, 0.812, 0.818, 0.832],
}  # fmt: skip
NAMES = ["one: B − A", "two: y − x", "one × two: (B − A) at y − at x"]


def context(lost: tuple[int, ...] = ()) -> Context:
    """Return runs of which some replicates of A/y are n/c."""
    runs = pd.DataFrame(
        {
            "cell": "".join(at), "replicate": r, "factor:one": at[0], "factor:two": at[1],
            "status": "diverged" if at == ("A", "y") and r in lost else "done",
            "test/accuracy": np.nan if at == ("A", "y") and r in lost else VALUES[at][r],
        }
        for at in CELLS
        for r in range(REPLICATES)
    )  # fmt: skip
    item = ITEMS["factor_effects"]()
    return Context(item, study(item), frames(runs))


def expected(lost: tuple[int, ...]) -> list[np.ndarray]:
    """Return each contrast per replicate, in points: the mean of its pairs that converged."""
    values = {cell: 100 * np.array(VALUES[cell]) for cell in CELLS}
    values["A", "y"][list(lost)] = np.nan
    (ax, ay, bx, by) = (values[cell] for cell in CELLS)
    contrasts = [
        np.nanmean([bx - ax, by - ay], axis=0),
        np.nanmean([ay - ax, by - bx], axis=0),
        (by - ay) - (bx - ax),
    ]
    return [one[np.isfinite(one)] for one in contrasts]


@pytest.mark.parametrize("lost", [(), (3,)], ids=["all", "n/c"])
def test_rows_are_contrasts_of_the_replicates_that_converged(lost) -> None:
    made = context(lost)
    contrasts = factorial(made.study, made.frames)
    rows = contrast_rows(contrasts)
    assert [row.name for row in rows] == NAMES
    for row, contrast, values in zip(rows, contrasts, expected(lost), strict=True):
        assert row.value == pytest.approx(values.mean())
        # By Holm the level of an interval is between 5 % and a third of it.
        narrow, wide = (
            stats.t.ppf(1 - level / 2, len(values) - 1) * stats.sem(values)
            for level in (0.05, 0.05 / 3)
        )
        assert row.value == pytest.approx((row.low + row.high) / 2)
        assert narrow - 1e-9 <= (row.high - row.low) / 2 <= wide + 1e-9
        assert row.note == p_is(contrast.p)
    # A run of A that is n/c does not speak against B being above it, so the t stays.
    assert rows[0].ink == SHOWN
    assert rows[1].ink == rows[2].ink == NEUTRAL


def test_a_contrast_without_an_interval_is_not_drawn() -> None:
    made = context((0, 1, 2, 3))
    rows = contrast_rows(factorial(made.study, made.frames))
    assert [row.name for row in rows] == NAMES[:2]


def test_what_is_drawn_are_these_numbers() -> None:
    made = context((3,))
    (drawing,) = drawings(made)
    rows = contrast_rows(factorial(made.study, made.frames))
    (axis,) = drawing.figure.axes
    assert axis.get_xlabel() == "effect (points)"
    assert [text.get_text() for text in axis.get_yticklabels()] == NAMES
    assert [text.get_text() for text in axis.texts] == [row.note for row in rows]
    drawn = axis.lines[:-1]  # the last is where the axis is zero
    for place, (row, bar, dot) in enumerate(zip(rows, drawn[::2], drawn[1::2], strict=True)):
        assert points(bar) == pytest.approx(np.array([(row.low, place), (row.high, place)]))
        assert points(dot) == pytest.approx(np.array([(row.value, place)]))
        assert bar.get_color() == dot.get_color() == row.ink
    assert "1 of 16 runs did not converge" in drawing.caption
    assert "over all 3 contrasts" in drawing.caption
