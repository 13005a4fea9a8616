"""Where optimizers go on a surface of two variables, and what it costs: a figure, and animated."""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ablate.errors import ReportError
from ablate.lessons.paths import Path, Surface
from ablate.lessons.surfaces import SURFACES
from ablate.report.columns import tuned_column
from ablate.report.context import Context
from ablate.report.figures.animation import write_gif
from ablate.report.figures.canvas import Drawing, Legend, Margins, page
from ablate.report.figures.layers import pages_of
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import Look, look, style
from ablate.report.figures.trace import Trace, outcome, trace
from ablate.report.sizes import PAPER, Style
from ablate.study.names import level_name

_MARGINS = Margins(left=0.5, right=0.1, top=0.04, down=0.5)
_HOW = (
    "Grey: contours of f, evenly spaced in log f. Black circle: start; star: minimum; {others}"
    "large hollow marker: end; small markers: steps 1, 10, 100 and so on. A path that diverges is "
    "drawn until it leaves the window; others may end outside it."
)
_COSTS = " Below: f after so many evaluations of the gradient; grey: the tolerance."
_HESSIANS = "Newton's methods evaluate a Hessian beside each gradient."
_COLUMNS = frozenset({"x", "y", "f", "gradients", "hessians"})

#: Moves what is drawn to a step; None is the end.
Show = Callable[[int | None], None]


@dataclass(frozen=True, eq=False)
class Panel:
    """What one panel shows: some paths over one surface, by the optimizer's name.

    names      what its legend calls them, where it is more than that: with the rate that was tuned
    tolerance  f below this is the minimum
    """

    title: str
    surface: Surface
    paths: Mapping[str, Path]
    names: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-4


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the paths of a study whose training procedure is `ablate.lessons.descent.follow`.

    A panel per level of `panels`, a path per level of `lines`: that of replicate 0, which starts
    where the study says and not near it. Raises ReportError where the runs have no paths.
    """
    if not set(context.frames.epochs.columns) >= _COLUMNS:
        raise ReportError(
            "the runs went over no surface, or count no gradients: let trainer be "
            "ablate.lessons.descent.follow, and sweep."
        )
    for subject in subjects(context, "lines", "panels"):
        # The study may have more levels than colours; what is shown here has one each.
        looks = {line: look(number) for number, line in enumerate(subject.levels("lines"))}
        panels = [_panel(subject, panel) for panel in subject.levels("panels")]
        first = " Drawn are the paths of replicate 0." if context.study.replicates > 1 else ""
        others = "hollow star: another; " if any(one.surface.others for one in panels) else ""
        how = _HOW.format(others=others) + (_COSTS if _shows_costs(context.style) else "")
        caption = subject.caption(_what(subject), how + first, with_data=False)
        # A slide has room for one surface with the legend of its outcomes.
        most = context.style.columns(len(panels), 3.0)
        if any(path.hessians.any() for panel in panels for path in panel.paths.values()):
            caption = f"{caption} {_HESSIANS}"
        by_title = {panel.title: panel for panel in panels}
        for name, titles in pages_of(subject.name, list(by_title), most):
            shown = [by_title[title] for title in titles]
            yield draw_paths(name, shown, looks, caption, context.style)


def _what(subject: Subject) -> str:
    tune = subject.study.tune
    tuned = f" at the tuned {tune.key} (in brackets)" if tune else ""
    return f"Paths of optimizers{tuned}"


def _shows_costs(style: Style) -> bool:
    """Tell whether f is shown below the paths: a slide has no room for it."""
    return style.height is None


def _panel(subject: Subject, panel: str) -> Panel:
    runs = subject.where(subject.runs, panels=panel)
    config = subject.configs.get(runs["cell"].iloc[0])
    name = config.trainer.arguments.get("surface") if config else None
    surface = SURFACES[name or subject.setting("trainer.surface", "panels", panel)]
    tolerance = config.trainer.arguments.get("tolerance") if config else None
    points = subject.frames.epochs.dropna(subset=["x", "y"])
    points, runs = (frame[frame["replicate"] == 0] for frame in (points, runs))
    tuned = tuned_column(subject.study.tune.key) if subject.study.tune else ""
    paths: dict[str, Path] = {}
    names: dict[str, str] = {}
    for line in subject.levels("lines"):
        found = subject.where(runs, lines=line)
        if found.empty:
            continue
        run = found.iloc[0]
        rows = points[points["cell"] == run["cell"]]
        paths[line] = Path(
            rows["step"].to_numpy(np.int64), rows[["x", "y"]].to_numpy(float),
            rows["f"].to_numpy(float), rows["gradients"].to_numpy(np.int64),
            rows["hessians"].to_numpy(np.int64), _step(run.get("steps", np.nan)),
            _step(run.get("diverged_at", np.nan)),
        )  # fmt: skip
        if paths[line].reached is not None and run.get("f", 0.0) >= float(
            tolerance or Panel.tolerance
        ):
            paths[line] = replace(paths[line], reached=None, rested=paths[line].reached)
        value = run.get(tuned, np.nan)
        names[line] = line if np.isnan(value) else f"{line} ({level_name(value)})"
    return Panel(panel, surface, paths, names, float(tolerance or Panel.tolerance))


def _step(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


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
    legends = [_legend(panel, looks, style) for panel in panels]
    margins = replace(_MARGINS, top=_MARGINS.top + max(one.height(width) for one in legends))
    heights = [2.5, 1.5] if _shows_costs(style) else [2.5]
    figure, axes = page(style, heights, len(panels), style.two_columns, margins)
    moves: list[Show] = []
    for number, (panel, legend) in enumerate(zip(panels, legends, strict=True)):
        axis, *below = axes[:, number]
        traces = {name: trace(path, panel.surface) for name, path in panel.paths.items()}
        _draw_surface(axis, panel.surface)
        legend.draw(axis, width, "lower left", (0, 1.01))
        for name, shown in traces.items():
            moves.append(_draw_trace(axis, shown, looks[name]))
            floor = panel.tolerance / 10
            moves += [_draw_costs(costs, shown, looks[name], floor) for costs in below]
        for path in panel.paths.values():
            axis.plot(*path.points[0], "o", mfc="white", mec="black", mew=0.9, ms=5, zorder=6)
        for costs in below:
            _set_costs(costs, panel)
            costs.set_ylabel("" if number else "f")

    def show(step: int | None) -> None:
        for move in moves:
            move(step)

    return figure, show


def _legend(panel: Panel, looks: Mapping[str, Look], style: Style) -> Legend:
    handles = []
    for name, path in panel.paths.items():
        ink, label = looks[name], f"{panel.names.get(name, name)}: {outcome(path)}"
        handles.append(Line2D([], [], color=ink.color, ls=ink.dash, marker=ink.marker, label=label))
    return Legend(panel.title, handles, style)


def _draw_surface(axis: Axes, surface: Surface) -> None:
    left, right, bottom, top = surface.window
    x, y = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    values = surface.value(x, y)
    # From what a tenth of a percent of the window lies below: the minimum itself is at log 0.
    levels = np.geomspace(np.quantile(values, 0.001), values.max(), 14)
    axis.contour(x, y, values, levels=levels, colors="#c4c4c4", linewidths=0.5, zorder=1)
    for other in surface.others:
        axis.plot(*other, "*", mfc="white", mec="black", mew=0.6, ms=6, zorder=8)
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


def _draw_costs(axis: Axes, shown: Trace, ink: Look, floor: float) -> Show:
    """Draw f over the gradients it took, and return what shows it up to a step, or all of it.

    floor  what is lower stands there: Newton's method ends at 0, which no logarithm has
    """
    gradients, values = shown.costs[:, 0], np.maximum(shown.costs[:, 1], floor)
    (line,) = axis.plot([], [], color=ink.color, ls=ink.dash, zorder=3)
    (end,) = axis.plot([], [], ink.marker, mfc="none", mec=ink.color, mew=1.1, ms=5, zorder=4)
    end.set_clip_on(not shown.is_whole)  # on the floor half of it is outside

    def move(step: int | None) -> None:
        now = shown.until(step)
        line.set_data(gradients[: now + 1], values[: now + 1])
        end.set_data(gradients[[now]], values[[now]])

    return move


def _set_costs(axis: Axes, panel: Panel) -> None:
    """Set the axes of f over gradients: from the tolerance to a little above the start."""
    first = max(float(path.values[0]) for path in panel.paths.values())
    most = max(int(path.gradients[-1]) for path in panel.paths.values())
    axis.axhline(panel.tolerance, color="#c4c4c4", lw=0.8, zorder=1)
    axis.set_xscale("symlog", linthresh=1)  # the start has none
    axis.set(
        yscale="log", xlim=(0, 1.3 * max(most, 9)), ylim=(panel.tolerance / 10, 10 * first),
        xlabel="gradient evaluations",
    )  # fmt: skip
    axis.yaxis.set_major_locator(LogLocator(numticks=5))
    for each in (axis.xaxis, axis.yaxis):
        each.set_minor_locator(NullLocator())
