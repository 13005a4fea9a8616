"""Where optimizers go on a surface of two variables: a figure, and the same as an animation."""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.errors import ReportError
from ablate.lessons.surfaces import SURFACES, Floats, Path, Surface
from ablate.report.context import Context
from ablate.report.figures.animation import write_gif
from ablate.report.figures.canvas import Drawing, Legend, Margins, page
from ablate.report.figures.layers import pages_of
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import Look, look, style
from ablate.report.sizes import PAPER, Style

_MARGINS = Margins(left=0.42, right=0.1, top=0.04)
_HOW = (
    "Grey: contours of f, evenly spaced in log f. Black circle: start; star: minimum; large "
    "hollow marker: end; small markers: steps 1, 10, 100 and so on. A path that diverges is drawn "
    "until it leaves the window; others may end outside it."
)

#: Moves what is drawn to a step; None is the end.
Show = Callable[[int | None], None]


@dataclass(frozen=True, eq=False)
class Panel:
    """What one panel shows: some paths over one surface, by the optimizer's name."""

    title: str
    surface: Surface
    paths: Mapping[str, Path]


@dataclass(frozen=True, eq=False)
class Trace:
    """As much of a path as is drawn.

    steps    (K,), from 0
    points   (K, 2); of a path that diverges the last lies on the window's edge
    marks    indexes of the points at steps 1, 10, 100 and so on, or the next that was kept
    is_whole whether the path stayed finite
    """

    steps: npt.NDArray[np.int64]
    points: Floats
    marks: tuple[int, ...]
    is_whole: bool

    def until(self, step: int | None) -> int:
        """Return the index of the last point at or before a step; None: of the last."""
        end = len(self.steps) if step is None else np.searchsorted(self.steps, step, side="right")
        return int(end) - 1


def outcome(path: Path) -> str:
    """Return how a path ended: `8,926 steps`, `not reached` or `diverged at 3`."""
    if path.reached is not None:
        return f"{path.reached:,} step{'' if path.reached == 1 else 's'}"
    return "not reached" if path.diverged_at is None else f"diverged at {path.diverged_at:,}"


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the paths of a study whose training procedure is `ablate.lessons.descent.follow`.

    A panel per level of `panels`, a path per level of `lines`: that of replicate 0, which starts
    where the study says and not near it. Raises ReportError where the runs have no paths.
    """
    if not {"x", "y", "f"} <= set(context.frames.epochs.columns):
        raise ReportError(
            "the runs went over no surface: let trainer be ablate.lessons.descent.follow."
        )
    for subject in subjects(context, "lines", "panels"):
        # The study may have more levels than colours; what is shown here has one each.
        looks = {line: look(number) for number, line in enumerate(subject.levels("lines"))}
        panels = [_panel(subject, panel) for panel in subject.levels("panels")]
        first = " Drawn are the paths of replicate 0." if context.study.replicates > 1 else ""
        caption = subject.caption("Paths of optimizers", _HOW + first, with_data=False)
        # A slide has room for one surface with the legend of its outcomes.
        most = context.style.columns(len(panels), 3.0)
        by_title = {panel.title: panel for panel in panels}
        for name, titles in pages_of(subject.name, list(by_title), most):
            shown = [by_title[title] for title in titles]
            yield draw_paths(name, shown, looks, caption, context.style)


def _panel(subject: Subject, panel: str) -> Panel:
    runs = subject.where(subject.runs, panels=panel)
    config = subject.configs.get(runs["cell"].iloc[0])
    name = config.trainer.arguments.get("surface") if config else None
    surface = SURFACES[name or subject.setting("trainer.surface", "panels", panel)]
    points = subject.frames.epochs.dropna(subset=["x", "y"])
    points, runs = (frame[frame["replicate"] == 0] for frame in (points, runs))
    paths: dict[str, Path] = {}
    for line in subject.levels("lines"):
        found = subject.where(runs, lines=line)
        if found.empty:
            continue
        run = found.iloc[0]
        rows = points[points["cell"] == run["cell"]]
        paths[line] = Path(
            rows["step"].to_numpy(np.int64), rows[["x", "y"]].to_numpy(float),
            rows["f"].to_numpy(float), _step(run.get("steps", np.nan)),
            _step(run.get("diverged_at", np.nan)),
        )  # fmt: skip
    return Panel(panel, surface, paths)


def _step(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


def trace(path: Path, surface: Surface) -> Trace:
    """Return what is drawn of a path over a surface."""
    is_whole = path.diverged_at is None
    points = path.points if is_whole else _until_outside(path.points, surface)
    steps = path.steps[: len(points)]
    powers = [10**k for k in range(len(str(steps[-1])) + 1)]
    # Where a path keeps some of its steps only, the mark stands at the first one kept.
    marks = [int(np.searchsorted(steps, power)) for power in powers]
    return Trace(steps, points, tuple(mark for mark in marks if mark < len(steps) - 1), is_whole)


def _until_outside(points: Floats, surface: Surface) -> Floats:
    """Return the points up to where the path first crosses the window's edge.

    What diverges comes back in ever longer leaps, which would cover the others.
    """
    left, right, bottom, top = surface.window
    lower, upper = np.array([left, bottom]), np.array([right, top])
    outside = ~((points >= lower) & (points <= upper)).all(axis=1)
    first = int(np.argmax(outside))
    if not outside.any() or first == 0:
        return points[: first + 1]
    before, leap = points[first - 1], points[first] - points[first - 1]
    if not np.isfinite(leap).all():
        return points[:first]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(leap > 0, (upper - before) / leap, (lower - before) / leap)
    share = np.min(shares[leap != 0])
    return np.vstack([points[:first], before + share * leap])


def draw_paths(
    name: str, panels: Sequence[Panel], looks: Mapping[str, Look], caption: str = "",
    sizes: Style = PAPER,
) -> Drawing:  # fmt: skip
    """Draw panels side by side; `looks` has every optimizer of every panel.

    Each panel has its own legend, because the outcomes in it are the panel's.
    """
    with style(sizes):
        figure, show = _draw(panels, looks, sizes)
        show(None)
    return Drawing(name, caption, figure, partial(animate, panels=panels, looks=looks))


def animate(
    file: pathlib.Path, panels: Sequence[Panel], looks: Mapping[str, Look], frames: int = 100
) -> pathlib.Path:
    """Write the figure's paths as an animated GIF, the same bytes every time."""
    longest = max(int(path.steps[-1]) for panel in panels for path in panel.paths.values())
    with style():
        figure, show = _draw(panels, looks, PAPER)
        write_gif(file, figure, show, longest, frames, {look.color for look in looks.values()})
    return file


def _draw(panels: Sequence[Panel], looks: Mapping[str, Look], style: Style) -> tuple[Figure, Show]:
    """Return the figure and what moves every path to a step."""
    width = _MARGINS.panel_width(style.two_columns, len(panels))
    legends = [_legend(panel, looks) for panel in panels]
    top = _MARGINS.top + max(legend.height(width) for legend in legends)
    figure, axes = page(style, [2.5], len(panels), style.two_columns, replace(_MARGINS, top=top))
    moves: list[Show] = []
    for panel, legend, axis in zip(panels, legends, axes[0], strict=True):
        _draw_surface(axis, panel.surface)
        legend.draw(axis, width, "lower left", (0, 1.01))
        for name, path in panel.paths.items():
            moves.append(_draw_trace(axis, trace(path, panel.surface), looks[name]))
        for path in panel.paths.values():
            axis.plot(*path.points[0], "o", mfc="white", mec="black", mew=0.9, ms=5, zorder=6)

    def show(step: int | None) -> None:
        for move in moves:
            move(step)

    return figure, show


def _legend(panel: Panel, looks: Mapping[str, Look]) -> Legend:
    handles = []
    for name, path in panel.paths.items():
        ink, label = looks[name], f"{name}: {outcome(path)}"
        handles.append(Line2D([], [], color=ink.color, ls=ink.dash, marker=ink.marker, label=label))
    return Legend(panel.title, handles)


def _draw_surface(axis: Axes, surface: Surface) -> None:
    left, right, bottom, top = surface.window
    x, y = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    values = surface.value(x, y)
    # From what a tenth of a percent of the window lies below: the minimum itself is at log 0.
    levels = np.geomspace(np.quantile(values, 0.001), values.max(), 14)
    axis.contour(x, y, values, levels=levels, colors="#c4c4c4", linewidths=0.5, zorder=1)
    axis.plot(*surface.minimum, "*", color="black", ms=5, zorder=8)
    axis.set(xlim=(left, right), ylim=(bottom, top), xlabel="x", ylabel="y")


def _draw_trace(axis: Axes, shown: Trace, ink: Look) -> Show:
    """Draw a path and return what shows it up to a step, or all of it."""
    (line,) = axis.plot([], [], color=ink.color, ls=ink.dash, zorder=3)
    (marks,) = axis.plot([], [], ink.marker, color=ink.color, ms=2.8, mec="white", zorder=4)
    # Hollow and last of all: where many paths end in one point, each shape is still seen.
    (end,) = axis.plot([], [], ink.marker, mfc="none", mec=ink.color, mew=1.1, ms=7, zorder=7)
    end.set_clip_on(shown.is_whole)

    def move(step: int | None) -> None:
        now = shown.until(step)
        line.set_data(*shown.points[: now + 1].T)
        marks.set_data(*shown.points[[mark for mark in shown.marks if mark < now]].T)
        end.set_data(*shown.points[[now]].T)

    return move
