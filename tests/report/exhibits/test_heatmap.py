"""A heatmap: the mean of each cell in its place, n/c beside it, and hatched where most are."""

import numpy as np
from small_frames import drawings, frames, runs, study

from ablate.report.context import Context
from ablate.study.items import ITEMS

ACCURACY = {
    ("A", "x"): [0.90, 0.92, 0.94, 0.98], ("A", "y"): [0.80, 0.84, 0.85, 0.5],
    ("B", "x"): [0.1, 0.70, 0.73, 0.74], ("B", "y"): [0.5] * 4,
}  # fmt: skip


def test_each_cell_shows_its_mean_and_what_did_not_converge() -> None:
    item = ITEMS["heatmap"](rows="two", columns="one")
    made = runs({"test/accuracy": ACCURACY})
    (drawing,) = drawings(Context(item, study(item), frames(made)))
    (axis,) = drawing.figure.axes
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["x", "y"]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["A", "B"]
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("second", "first")
    colors = axis.collections[0].get_array().reshape(2, 2)
    # A row down is a level of the second factor.
    np.testing.assert_allclose(colors.filled(np.nan), [[93.5, 217 / 3], [83, np.nan]])
    places = {text.get_position(): text.get_text() for text in axis.texts if text.get_text()}
    assert places == {
        (0.5, 0.5): "93.5", (1.5, 0.5): "72.3", (0.5, 1.5): "83.0\n1/4 n/c", (1.5, 1.5): "n/c",
    }  # fmt: skip
    assert [patch.get_xy() for patch in axis.patches] == [(1, 1)]
    assert drawing.caption.startswith("Test accuracy (%), MNIST, 3 to 4 replicates per cell; 5 of")


def test_half_of_a_cell_is_hatched_and_a_cell_without_runs_is_a_dash() -> None:
    item = ITEMS["heatmap"](rows="one", columns="two")
    made = runs({"test/accuracy": ACCURACY})
    made = made[(made["cell"] != "Bx")]
    made.loc[(made["cell"] == "Ax") & (made["replicate"] < 2), "status"] = "diverged"
    (drawing,) = drawings(Context(item, study(item), frames(made)))
    (axis,) = drawing.figure.axes
    texts = {text.get_text() for text in axis.texts}
    assert {"96.0\n2/4 n/c", "–", "n/c"} <= texts
    assert sorted(patch.get_xy() for patch in axis.patches) == [(0, 0), (1, 1)]
