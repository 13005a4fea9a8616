"""Figures of optimizer paths: what the legend says, what is drawn, and the animation's bytes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image
from small_frames import CELLS, drawings, frames, present, runs, study

from ablate.errors import ReportError
from ablate.lessons.paths import Path, path_of
from ablate.lessons.surfaces import SURFACES
from ablate.report.context import Context
from ablate.report.exhibits.optimizer_paths import Panel, animate, draw_paths
from ablate.report.figures.animation import log_steps
from ablate.report.figures.canvas import Drawing
from ablate.report.figures.style import Look
from ablate.report.figures.trace import outcome, trace
from ablate.report.sizes import SLIDES
from ablate.study.items import ITEMS
from ablate.study.schema import Tune

BEALE = SURFACES["beale"]
LOOKS = {"momentum": Look("#0173b2", "o", "-"), "Adam": Look("#de8f05", "s", (0, (4, 1.5)))}


def path(*points):
    return path_of(BEALE, points, 1e-4)


REACHED = path_of(BEALE, [*np.linspace((2.0, -2.0), (3.0, 0.4), 1200), (3.0, 0.5)], 1e-4)
NOT_REACHED = path((2.0, -2.0), (2.5, 0.0), (2.4, 0.1))
DIVERGED = path((2.0, -2.0), (1.0, 0.0), (-10.0, 0.0), (1e9, 1e9))
SEARCHED = path_of(BEALE, [(2.0, -2.0), (2.5, 0.0), (3.0, 0.5)], 1e-4, [0, 7, 1204])
ONE = path_of(BEALE, [(2.0, -2.0), (3.0, 0.5)], 1e-4, [0, 1], [0, 1])
NOT_A_NUMBER = path((2.0, -2.0), (1.0, 0.0), (float("nan"), 0.0))
PANELS = [
    Panel("from (2, −2)", BEALE, {"momentum": REACHED, "Adam": NOT_REACHED}),
    Panel("again", BEALE, {"momentum": NOT_A_NUMBER, "Adam": DIVERGED}),
]


def test_what_is_drawn_of_a_path_ends_at_its_end_or_at_the_edge_of_the_window():
    whole = trace(REACHED, BEALE)
    assert np.array_equal(whole.points, REACHED.points)
    assert whole.marks == (1, 10, 100, 1000)
    assert whole.is_whole
    cut = trace(DIVERGED, BEALE)
    assert cut.points == pytest.approx(np.array([(2, -2), (1, 0), (BEALE.window[0], 0)]))
    assert (cut.steps.tolist(), cut.marks, cut.is_whole) == ([0, 1, 2], (1,), False)
    assert trace(NOT_A_NUMBER, BEALE).points == pytest.approx(np.array([(2, -2), (1, 0)]))


def test_marks_and_steps_of_a_path_that_kept_some_of_its_steps():
    kept = [0, 1, 5, 20, 50, 200]
    counts = np.array(kept), np.zeros(len(kept), dtype=np.int64)
    some = Path(np.array(kept), REACHED.points[kept], REACHED.values[kept], *counts, None, None)
    found = trace(some, BEALE)
    # The first kept at or after 1 and 10; that after 100 is the end, which has its own marker.
    assert found.marks == (1, 3)
    assert [found.until(step) for step in (0, 4, 5, 199, 1000, None)] == [0, 1, 2, 4, 5, 5]


Y = {"x": 0.5, "y": 0.25}


def small() -> Context:
    """Replicate r starts at x = r; A moves by 0.1 a step, B by 0.2, three steps each."""
    epochs = []
    for (one, two), replicate, keys in present():
        for step in range(4):
            x = replicate + step * {"A": 0.1, "B": 0.2}[one]
            counts = {"gradients": 2 * step, "hessians": 0}
            epochs.append({**keys, "step": step, "x": x, "y": Y[two], "f": 10.0 - step, **counts})
    item = ITEMS["optimizer_paths"](lines="one", panels="two")
    made = study(item, {two: {"trainer.surface": "beale"} for two in Y})
    reached = dict.fromkeys(CELLS, [2.0] * 4)
    return Context(item, made, frames(runs({"steps": reached}), epochs=epochs))


def test_the_paths_of_replicate_0_are_drawn_and_their_ends_told():
    (drawing,) = drawings(small())
    # Replicate 0 of B/x is missing: no other stands in for it. B/y is n/c, and reached nothing.
    told = {"x": ["A: 4 gradients"], "y": ["A: 4 gradients", "B: not reached"]}
    upper, lower = drawing.figure.axes[:2], drawing.figure.axes[2:]
    for axis, below, (title, names) in zip(upper, lower, told.items(), strict=True):
        legend = axis.get_legend()
        assert legend.get_title().get_text() == title
        assert [text.get_text() for text in legend.get_texts()] == names
        for name, handle in zip(names, legend.get_lines(), strict=True):
            drawn = [line for line in axis.lines if line.get_color() == handle.get_color()]
            expected = [({"A": 0.1, "B": 0.2}[name[0]] * k, Y[title]) for k in range(4)]
            assert drawn[0].get_xydata() == pytest.approx(np.array(expected))
            (costs,) = [line for line in below.lines if line.get_color() == handle.get_color()][:1]
            assert costs.get_xydata() == pytest.approx(
                np.array([(2 * k, 10 - k) for k in range(4)])
            )
    assert "Drawn are the paths of replicate 0" in drawing.caption


def test_the_legend_names_the_rate_that_was_tuned():
    made = small()
    tune = Tune(key="optimizer.lr", values=(0.01, 0.1))
    made.frames.runs["tuned:optimizer.lr"] = [
        0.1 if cell == "Ax" else np.nan for cell in made.frames.runs["cell"]
    ]
    tuned = replace(made, study=made.study.model_copy(update={"tune": tune}))
    (drawing,) = drawings(tuned)
    legends = [axis.get_legend() for axis in drawing.figure.axes[:2]]
    assert [text.get_text() for text in legends[0].get_texts()] == ["A (0.1): 4 gradients"]
    assert legends[1].get_texts()[0].get_text() == "A: 4 gradients"
    assert "at the tuned optimizer.lr (in brackets)" in drawing.caption


def test_what_hessians_cost_is_said_where_there_are_any():
    made = small()
    assert "Hessian" not in drawings(made)[0].caption
    made.frames.epochs["hessians"] = made.frames.epochs["step"]
    assert drawings(made)[0].caption.endswith("evaluate a Hessian beside each gradient.")


def test_a_slide_has_the_paths_alone():
    for drawing in drawings(replace(small(), style=SLIDES)):
        assert len(drawing.figure.axes) == 1
        assert "Below" not in drawing.caption


def test_runs_without_a_surface_are_refused():
    made = small()
    with pytest.raises(ReportError, match="the runs went over no surface"):
        drawings(Context(made.item, made.study, frames(runs({}))))


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    return draw_paths("beale_paths", PANELS, LOOKS, "Beale's function.")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param(REACHED, "1,200 gradients", id="reached"),
        pytest.param(SEARCHED, "1,204 gradients", id="line searches"),
        pytest.param(ONE, "1 gradient", id="one"),
        pytest.param(NOT_REACHED, "not reached", id="not reached"),
        pytest.param(DIVERGED, "diverged at 3", id="diverged"),
        pytest.param(NOT_A_NUMBER, "diverged at 2", id="not a number"),
    ],
)
def test_outcome_says_how_a_path_ended(path, text):
    assert outcome(path) == text


def test_each_panel_has_its_own_legend(drawing):
    legends = [axis.get_legend() for axis in drawing.figure.axes[:2]]
    assert [legend.get_title().get_text() for legend in legends] == ["from (2, −2)", "again"]
    assert [[text.get_text() for text in legend.get_texts()] for legend in legends] == [
        ["momentum: 1,200 gradients", "Adam: not reached"],
        ["momentum: diverged at 2", "Adam: diverged at 3"],
    ]


def lines(axis, look: Look):
    return [line for line in axis.lines if look.color in (line.get_color(), line.get_mec())]


def test_a_path_is_drawn_whole_with_its_end_and_its_powers_of_ten(drawing):
    whole, marks, end = lines(drawing.figure.axes[0], LOOKS["momentum"])
    assert np.array_equal(whole.get_xydata(), REACHED.points)
    assert np.array_equal(marks.get_xydata(), REACHED.points[[1, 10, 100, 1000]])
    assert np.array_equal(end.get_xydata(), REACHED.points[-1:])


def test_a_path_that_diverges_ends_at_the_edge_of_the_window(drawing):
    whole, _, end = lines(drawing.figure.axes[1], LOOKS["Adam"])
    left = BEALE.window[0]
    assert whole.get_xydata() == pytest.approx(np.array([(2, -2), (1, 0), (left, 0)]))
    assert end.get_xydata() == pytest.approx(np.array([(left, 0)]))
    whole, _, _ = lines(drawing.figure.axes[1], LOOKS["momentum"])
    assert whole.get_xydata() == pytest.approx(np.array([(2, -2), (1, 0)]))


def test_f_is_drawn_over_gradients_above_the_tolerance(drawing):
    _, _, axis, _ = drawing.figure.axes
    whole, end = lines(axis, LOOKS["momentum"])
    # The last value is 0: it stands on the floor, a tenth of the tolerance.
    values = [*REACHED.values[:-1], 1e-5]
    assert np.array_equal(whole.get_xydata().T, [REACHED.gradients, values])
    assert np.array_equal(end.get_xydata(), whole.get_xydata()[-1:])
    (tolerance,) = [line for line in axis.lines if line.get_xydata()[:, 1].tolist() == [1e-4] * 2]
    assert tolerance.get_zorder() < whole.get_zorder()
    assert (axis.get_xscale(), axis.get_yscale()) == ("symlog", "log")


def test_nothing_is_cut_off_and_panels_stand_below_their_legends(drawing):
    figure = drawing.figure
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    for axis in figure.axes[:2]:
        legend = axis.get_legend().get_window_extent()
        assert legend.y0 >= axis.get_window_extent().y1
        # One pixel in a hundred an inch: the legend's own padding.
        assert legend.y1 <= height + 1
        assert legend.x1 <= width + 1
    assert figure.get_size_inches()[0] == 7


def test_the_figure_has_the_same_bytes_each_time(tmp_path):
    # Not the one that others look at: a line keeps how it was simplified when it was first read.
    one, again = (draw_paths("beale_paths", PANELS, LOOKS) for _ in range(2))
    # The animation has a test of its own, of a few frames.
    first, second = (
        replace(made, moving=None).save(tmp_path / name)[:2]
        for made, name in ((one, "first"), (again, "second"))
    )
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_the_animation_has_the_same_bytes_each_time_and_moves(tmp_path):
    first = animate(tmp_path / "first.gif", PANELS, LOOKS, frames=8)
    second = animate(tmp_path / "second.gif", PANELS, LOOKS, frames=8)
    assert first.read_bytes() == second.read_bytes()
    # 100 frames must stay below 1.5 MB.
    assert first.stat().st_size < 8 * 15_000
    with Image.open(first) as image:
        assert image.n_frames == 8
        pictures, durations = [], []
        for frame in range(8):
            image.seek(frame)
            durations.append(image.info["duration"])
            pictures.append(np.asarray(image.convert("RGB")).copy())
    assert all((a != b).any() for a, b in pairwise(pictures))
    # Thin lines keep their hue: what tells the optimizers apart.
    for color in ("#0173b2", "#de8f05"):
        ink = np.array([round(255 * part) for part in to_rgb(color)])
        assert (pictures[-1] == ink).all(axis=2).any()
    assert (pictures[-1][0, 0] == 255).all()
    assert durations == [80] * 7 + [2000]


@given(last=st.integers(1, 10**6), count=st.integers(2, 200))
def test_frames_start_at_the_first_step_and_end_at_the_last(last, count):
    steps = log_steps(last, count)
    assert steps[0] == 0
    assert steps[-1] == last
    assert len(steps) <= count
    assert steps == sorted(set(steps))
