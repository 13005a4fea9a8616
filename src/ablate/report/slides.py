"""The figures of a report as slides: one a file, 16:9, as SVG, PNG and PDF."""

import re
from pathlib import Path

from matplotlib.backends.backend_pdf import Op, PdfFile, RendererPdf
from matplotlib.figure import Figure

from ablate.report.build import drawings
from ablate.report.figures.canvas import without_formulas
from ablate.report.figures.style import style
from ablate.report.frame import Frames
from ablate.report.sizes import SLIDES
from ablate.study.lockfile import Locked

#: Pixels of a slide's inch: 1920 by 1080 in all.
_DPI = 144
_SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"')


def write_slides(locked: Locked, frames: Frames, directory: Path) -> list[Path]:
    """Write the slides of a report below its `directory`; return their files.

    Those of an earlier time are removed.
    """
    folder = directory / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("svg", "png", "pdf"):
        for file in folder.glob(f"*.{kind}"):
            file.unlink()
    written = []
    for drawing in drawings(locked, frames, directory, SLIDES):
        written += save_slide(drawing.figure, folder / drawing.name)
    return written


def save_slide(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure drawn in the sizes of slides, magnified to a slide's 13.3 by 7.5 inches.

    Magnified as a whole, so that lines and markers grow with the text.
    """
    without_formulas(figure)
    svg, png, pdf = (stem.parent / f"{stem.name}.{kind}" for kind in ("svg", "png", "pdf"))
    with style(SLIDES):
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
        figure.savefig(png, metadata={"Software": None}, dpi=_DPI * SLIDES.magnified)
        _save_pdf(figure, pdf)
    text = svg.read_text(encoding="utf-8")
    svg.write_text(_SIZE.sub(_magnified, text, count=1), encoding="utf-8")
    return [svg, png, pdf]


def _magnified(size: re.Match[str]) -> str:
    width, height = (float(points) * SLIDES.magnified for points in size.groups())
    return f'width="{width:g}pt" height="{height:g}pt"'


def _save_pdf(figure: Figure, file: Path) -> None:
    """Write a page as matplotlib does, with one transformation before all else."""
    width, height = (float(inches) for inches in figure.get_size_inches())
    times, dpi = SLIDES.magnified, figure.dpi
    figure.dpi = 72  # points, in which a PDF counts
    pdf = PdfFile(file, metadata={"CreationDate": None, "Creator": None, "Producer": None})  # type: ignore[no-untyped-call]
    try:
        pdf.newPage(width * times, height * times)  # type: ignore[no-untyped-call]
        pdf.output(times, 0, 0, times, 0, 0, Op.concat_matrix)  # type: ignore[no-untyped-call]
        renderer = RendererPdf(pdf, 72, height, width)  # type: ignore[no-untyped-call]
        figure.draw(renderer)
        renderer.finalize()  # type: ignore[no-untyped-call]
        pdf.finalize()  # type: ignore[no-untyped-call]
    finally:
        pdf.close()  # type: ignore[no-untyped-call]
        figure.dpi = dpi
