"""Where optimizers go on a surface of two variables: a figure, and the same as an animation."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from ablate.errors import ConfigError
from ablate.lessons.surfaces import SURFACES, Floats, Path, Surface
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend, Margins, page
from ablate.report.figures.select import Subject, subjects
from ablate.report.figures.style import SMALL, TWO_COLUMNS, Look, look, style
from ablate.study.schema import Level

_MARGINS = Margins(left=0.42, right=0.1, top=0.04, bottom=0.38, across=0.5)
_PANEL_HEIGHT = 2.5
_LEVELS = 14
_CONTOUR = "#c4c4c4"
_DPI = 100
_MILLISECONDS, _LAST_MILLISECONDS = 80, 2000  # a frame is shown; GIF counts in hundredths
_GREYS, _TINTS = 32, 10


_HOW = (
    "Grey: contours of f, evenly spaced in log f. Black circle: start; star: minimum; large "
    "hollow marker: end; small markers: steps 1, 10, 100 and so on. A path that diverges is drawn "
    "until it leaves the window; others may end outside it."
)


@dataclass(frozen=True, eq=False)
class Panel:
    """What one panel shows: some paths over one surface, by the optimizer's name."""

    title: str
    surface: Surface
    paths: Mapping[str, Path]


def outcome(path: Path) -> str:
    """Return how a path ended: `8,926 steps`, `not reached` or `diverged at 3`."""
    if path.reached is not None:
        return f"{path.reached:,} step{'' if path.reached == 1 else 's'}"
    return "not reached" if path.diverged_at is None else f"diverged at {path.diverged_at:,}"


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw the paths of a study whose training procedure is `ablate.lessons.descent.follow`.

    A panel per level of `panels`, a path per level of `lines`: that of replicate 0, which starts
    where the study says and not near it. Raises ConfigError where the runs have no paths.
    """
    if not {"x", "y", "f"} <= set(context.frames.epochs.columns):
        raise ConfigError(
            f"study {context.study.name} asks for optimizer_paths, but its runs went over no "
            "surface: let trainer be ablate.lessons.descent.follow."
        )
    for subject in subjects(context, "lines", "panels"):
        lines = subject.levels("lines")
        # The study may have more levels than colours; what is shown here has one each.
        looks = {line.name: look(number) for number, line in enumerate(lines)}
        panels = [_panel(subject, panel, lines) for panel in subject.levels("panels")]
        first = " Drawn are the paths of replicate 0." if context.study.replicates > 1 else ""
        caption = subject.caption("Paths of optimizers", _HOW + first, with_data=False)
        yield draw_paths(subject.name, panels, looks, caption)


def _panel(subject: Subject, panel: Level, lines: Sequence[Level]) -> Panel:
    surface = SURFACES[subject.setting("trainer.surface", {"panels": panel})]
    paths: dict[str, Path] = {}
    for line in lines:
        runs = subject.where(subject.runs, panels=panel, lines=line)
        if runs.empty:
            continue
        run = runs.iloc[0]
        rows = subject.frames.epochs.dropna(subset=["x", "y"])
        rows = rows[(rows["cell"] == run["cell"]) & (rows["replicate"] == run["replicate"])]
        reached, lost = run.get("steps", np.nan), run.get("diverged_at", np.nan)
        paths[line.name] = Path(
            rows["step"].to_numpy(np.int64), rows[["x", "y"]].to_numpy(float),
            rows["f"].to_numpy(float), None if np.isnan(reached) else int(reached),
            None if np.isnan(lost) else int(lost),
        )  # fmt: skip
    return Panel(panel.name, surface, paths)


def draw_paths(
    name: str, panels: Sequence[Panel], looks: Mapping[str, Look], caption: str = ""
) -> Drawing:
    """Draw panels side by side; `looks` has every optimizer of every panel.

    Each panel has its own legend, because the outcomes in it are the panel's.
    """
    with style():
        figure, update = _draw(panels, looks)
        update(None)
    moving = partial(animate, panels=panels, looks=looks)
    return Drawing(name, caption, figure, moving)


def animate(
    file: pathlib.Path, panels: Sequence[Panel], looks: Mapping[str, Look], frames: int = 100
) -> pathlib.Path:
    """Write the figure's paths as an animated GIF, the same bytes every time.

    Frames stand at log-spaced steps, so that the first steps are seen one by one.
    """
    longest = max(int(path.steps[-1]) for panel in panels for path in panel.paths.values())
    pictures = []
    with style():
        figure, update = _draw(panels, looks)
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        counter = figure.text(0.985, 0.012, "", ha="right", va="bottom", fontsize=SMALL)
        for step in log_steps(longest, frames):
            update(step)
            counter.set_text(f"step {step:,}")
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
            pictures.append(Image.fromarray(pixels.copy()))
    # One palette for all, which matplotlib's writer does not offer: a frame then stores only
    # what moved, and the file is a fraction as large.
    palette = _palette({look.color for look in looks.values()})
    first, *rest = (
        picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
    )
    durations = [_MILLISECONDS] * len(rest) + [_LAST_MILLISECONDS]
    file.parent.mkdir(parents=True, exist_ok=True)
    first.save(file, save_all=True, append_images=rest, duration=durations, loop=0)
    return file


def _palette(colors: Collection[str]) -> Image.Image:
    """Return greys and tints of `colors`: a palette fitted to a frame would mix thin lines' hues.

    22 colours have room in the 256 of a GIF.
    """
    shades = [np.full(3, grey) for grey in np.linspace(0, 1, _GREYS)]
    for color in sorted(colors):
        ink = np.array(to_rgb(color))
        shades += [1 - strength * (1 - ink) for strength in np.linspace(1, 0, _TINTS, False)]
    image = Image.new("P", (1, 1))
    image.putpalette(np.round(255 * np.array(shades)).astype(np.uint8).tobytes())
    return image


def log_steps(last: int, count: int) -> list[int]:
    """Return at most `count` steps from 0 to `last`, evenly spaced in log(1 + step)."""
    return sorted({round(step) for step in np.geomspace(1, last + 1, count) - 1})


def _draw(
    panels: Sequence[Panel], looks: Mapping[str, Look]
) -> tuple[Figure, Callable[[int | None], None]]:
    """Return the figure and what moves every path to a step; None is the end."""
    across = len(panels)
    width = (TWO_COLUMNS - _MARGINS.left - _MARGINS.right - _MARGINS.across * (across - 1)) / across
    legends = [
        Legend(
            panel.title,
            [_handle(looks[name], f"{name}: {outcome(p)}") for name, p in panel.paths.items()],
        )
        for panel in panels
    ]
    top = _MARGINS.top + max(legend.height(width) for legend in legends)
    margins = Margins(_MARGINS.left, _MARGINS.right, top, _MARGINS.bottom, _MARGINS.across)
    figure, axes = page(1, across, TWO_COLUMNS, _PANEL_HEIGHT, margins)
    moves: list[Callable[[int | None], None]] = []
    for panel, legend, axis in zip(panels, legends, axes[0], strict=True):
        _surface(axis, panel.surface)
        axis.legend(
            handles=list(legend.handles),
            title=legend.title or None,
            alignment="left",
            loc="lower left",
            bbox_to_anchor=(0, 1.01),
            borderaxespad=0.0,
            borderpad=0.1,
            ncols=legend.columns(width),
            handlelength=2.2,
            handletextpad=0.5,
            columnspacing=1.0,
            labelspacing=0.25,
        )
        moves += [
            _path(axis, path, looks[name], panel.surface) for name, path in panel.paths.items()
        ]
        for path in panel.paths.values():
            axis.plot(*path.points[0], "o", mfc="white", mec="black", mew=0.9, ms=5, zorder=6)

    def update(step: int | None) -> None:
        for move in moves:
            move(step)

    return figure, update


def _handle(look: Look, label: str) -> Line2D:
    return Line2D([], [], color=look.color, linestyle=look.dash, marker=look.marker, label=label)


def _surface(axis: Axes, surface: Surface) -> None:
    left, right, bottom, top = surface.window
    x, y = np.meshgrid(np.linspace(left, right, 301), np.linspace(bottom, top, 301))
    values = surface.value(x, y)
    # From what a tenth of a percent of the window lies below: the minimum itself is at log 0.
    levels = np.geomspace(np.quantile(values, 0.001), values.max(), _LEVELS)
    axis.contour(x, y, values, levels=levels, colors=_CONTOUR, linewidths=0.5, zorder=1)
    axis.plot(*surface.minimum, "*", color="black", ms=5, zorder=8)
    axis.set(xlim=(left, right), ylim=(bottom, top), xlabel="x", ylabel="y")


def _path(axis: Axes, path: Path, look: Look, surface: Surface) -> Callable[[int | None], None]:
    """Draw a path and return what shows it up to a step, or all of it."""
    points = path.points if path.diverged_at is None else _until_outside(path.points, surface)
    (line,) = axis.plot([], [], color=look.color, ls=look.dash, zorder=3)
    (marks,) = axis.plot([], [], look.marker, color=look.color, ms=2.8, mec="white", zorder=4)
    # Hollow and last of all: where many paths end in one point, each shape is still seen.
    (end,) = axis.plot([], [], look.marker, mfc="none", mec=look.color, mew=1.1, ms=7, zorder=7)
    end.set_clip_on(path.diverged_at is None)
    last = len(points) - 1
    powers = [10**k for k in range(len(str(path.steps[last])) + 1)]
    # Where a path keeps some of its steps only, the mark stands at the first one kept.
    marked = [int(np.searchsorted(path.steps[: last + 1], power)) for power in powers]

    def move(step: int | None) -> None:
        now = last
        if step is not None:
            now = min(int(np.searchsorted(path.steps, step, side="right")) - 1, last)
        line.set_data(*points[: now + 1].T)
        marks.set_data(*points[[mark for mark in marked if mark < now]].T)
        end.set_data(*points[[now]].T)

    return move


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
