"""A figure that moves, as a GIF of the same bytes every time."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ablate.report.sizes import PAPER

_DPI = 100
_MILLISECONDS, _LAST_MILLISECONDS = 80, 2000  # a frame is shown; GIF counts in hundredths
_GREYS, _TINTS = 32, 10


def write_gif(
    file: Path, figure: Figure, show: Callable[[int], None], last: int, frames: int,
    colors: Collection[str],
) -> None:  # fmt: skip
    """Write at most `frames` pictures of a figure at steps 0 to `last`, log-spaced.

    So the first steps are seen one by one. `show` brings the figure to a step; what is drawn is
    grey or of `colors`, of which 22 have room in the 256 of a GIF.
    """
    pictures = []
    figure.set_dpi(_DPI)
    canvas = FigureCanvasAgg(figure)
    counter = figure.text(0.985, 0.012, "", ha="right", va="bottom", fontsize=PAPER.small)
    # Axes, contours and legends are drawn once: nine tenths of a frame. Lines lie above them all.
    moving = [line for axis in figure.axes for line in sorted(axis.lines, key=Artist.get_zorder)]
    for artist in (*moving, counter):
        artist.set_animated(True)
    canvas.draw()  # type: ignore[no-untyped-call]
    still = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
    for step in log_steps(last, frames):
        show(step)
        counter.set_text(f"step {step:,}")
        canvas.restore_region(still)  # type: ignore[no-untyped-call]
        for artist in (*moving, counter):
            artist.draw(canvas.get_renderer())  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
        pictures.append(Image.fromarray(pixels.copy()))
    # One palette for all, which matplotlib's writer does not offer: a frame then stores only
    # what moved, and the file is a fraction as large.
    palette = _palette(colors)
    first, *rest = (
        picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures
    )
    durations = [_MILLISECONDS] * len(rest) + [_LAST_MILLISECONDS]
    file.parent.mkdir(parents=True, exist_ok=True)
    first.save(file, save_all=True, append_images=rest, duration=durations, loop=0)


def log_steps(last: int, count: int) -> list[int]:
    """Return at most `count` steps from 0 to `last`, evenly spaced in log(1 + step)."""
    return sorted({round(step) for step in np.geomspace(1, last + 1, count) - 1})


def _palette(colors: Collection[str]) -> Image.Image:
    """Return greys and tints of `colors`: fitted to a frame it would mix thin lines' hues."""
    shades = [np.full(3, grey) for grey in np.linspace(0, 1, _GREYS)]
    for color in sorted(colors):
        ink = np.array(to_rgb(color))
        shades += [1 - strength * (1 - ink) for strength in np.linspace(1, 0, _TINTS, False)]
    image = Image.new("P", (1, 1))
    image.putpalette(np.round(255 * np.array(shades)).astype(np.uint8).tobytes())
    return image
