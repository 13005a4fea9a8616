"""Slides: 16:9, 18 points, nothing over something else, and the report as it was."""

import re
import shutil
from pathlib import Path

import figure_frames
import pytest
from PIL import Image
from test_figures import CASES, overlapping

from ablate.cli import main
from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.figures.canvas import Drawing
from ablate.report.sizes import SLIDES
from ablate.report.slides import save_slide
from ablate.study.items import ITEMS

REPORTS = Path(__file__).resolve().parents[2] / "reports"


def slides(kind: str) -> list[Drawing]:
    made, fake = getattr(figure_frames, CASES[kind])()
    found = exhibits_of(Context(ITEMS[kind](), made, fake, style=SLIDES))
    return [drawing for drawing in found if isinstance(drawing, Drawing)]


@pytest.mark.parametrize("kind", CASES)
def test_every_slide_is_whole_and_no_text_lies_over_another(kind: str) -> None:
    drawn = slides(kind)
    assert len({drawing.name for drawing in drawn}) == len(drawn)
    for drawing in drawn:
        width, height = drawing.figure.get_size_inches() * SLIDES.magnified
        assert (width, height) == pytest.approx((40 / 3, 7.5))
        assert overlapping(drawing.figure) == []


def test_files_are_magnified_to_a_slide(tmp_path: Path) -> None:
    svg, png, pdf = save_slide(slides("heatmap")[0].figure, tmp_path / "one.slide")
    assert 'width="960pt" height="540pt" viewBox="0 0 426.6' in svg.read_text(encoding="utf-8")
    with Image.open(png) as picture:
        assert picture.size == (1920, 1080)
    page = pdf.read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", page)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx([960, 540])
    assert [path.name for path in (svg, png, pdf)] == [
        "one.slide.svg",
        "one.slide.png",
        "one.slide.pdf",
    ]


def test_a_report_gets_slides_beside_it_and_stays_as_it_is(tmp_path: Path, capsys) -> None:
    report = tmp_path / "reports" / "precision"
    shutil.copytree(REPORTS / "precision", report)
    before = {path.name: path.read_bytes() for path in report.iterdir()}
    (report / "slides").mkdir()
    (report / "slides" / "of-an-earlier-time.png").touch()
    assert main(["report", "precision", "--style", "slides", "--root", str(tmp_path)]) == 0
    made = sorted(path.name for path in (report / "slides").iterdir())
    stems = {name.rpartition(".")[0] for name in made}
    assert made == sorted(f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png", "svg"))
    # A row of panels a slide: there are two.
    assert stems == {"effects", "learning_curves-1", "learning_curves-2"}
    assert "of-an-earlier-time" not in stems
    assert f"{len(stems)} slides" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()} == before


def test_slides_need_a_report_and_are_not_checked(tmp_path: Path, capsys) -> None:
    assert main(["report", "nothing", "--style", "slides", "--root", str(tmp_path)]) == 2
    assert "no report yet" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        main(["report", "--style", "slides", "--check", "--root", str(tmp_path)])
    assert refused.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
