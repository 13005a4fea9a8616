"""PNG in 256 colours, a third of the bytes, wherever nobody sees the difference."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree

_COLORS, _KEPT = 256, 64  # in the palette, and of them the commonest, which stay as they are
_EVERY = 3  # pixels that the others are fitted to: as good as all, in a fraction of the time
_OFF, _MOST_OFF = 16, 0.005  # of 256 steps in any channel, and the share of pixels that may be

_Bytes = npt.NDArray[np.uint8]


def write_png(figure: Figure, file: Path, dpi: float) -> None:
    """Write a figure; photographs and the like, which need more colours, keep all of theirs."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    palette, places = _in_palette(pixels)
    off = np.abs(pixels.astype(int) - palette[places]).max(axis=-1) > _OFF
    if off.mean() <= _MOST_OFF:
        picture = Image.fromarray(places)
        picture.putpalette(palette.tobytes())
    else:
        picture = Image.fromarray(pixels.copy())
    picture.save(file, optimize=True, dpi=(dpi, dpi))


def _in_palette(pixels: _Bytes) -> tuple[_Bytes, _Bytes]:
    """Return a palette (K, 3) and the place in it of every pixel (H, W)."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    found, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    # Paper, frames and fills cover most: mixed with their neighbours paper would be no white.
    order = np.argsort(-counts, kind="stable")
    palette = colors[order[:_COLORS]]
    if len(colors) > _COLORS:
        rest = pixels.reshape(-1, 3)[::_EVERY][
            ~np.isin(packed.ravel()[::_EVERY], found[order[:_KEPT]])
        ]
        palette = np.concatenate([palette[:_KEPT], _fitted(rest, _COLORS - _KEPT)])
    nearest = cKDTree(palette.astype(float)).query(colors.astype(float))[1].astype(np.uint8)
    return palette, nearest[inverse].reshape(pixels.shape[:2])


def _fitted(colors: _Bytes, count: int) -> _Bytes:
    picture = Image.fromarray(colors[None]).quantize(count, Image.Quantize.MEDIANCUT, kmeans=1)
    fitted = picture.getpalette() or []
    return np.array(fitted, np.uint8).reshape(-1, 3)[:count]
