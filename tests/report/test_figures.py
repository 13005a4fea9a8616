"""Every figure draws, is the same bytes twice, and has no text over other text."""

import pkgutil
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import figure_frames
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ablate.report import exhibits
from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.figures import canvas
from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.style import looks, style, text_width
from ablate.report.sizes import PAPER
from ablate.study.items import ITEMS
from ablate.study.schema import Study

CASES = {
    "activation_distribution": "init_by_activation",
    "gradient_distribution": "init_by_activation",
    "weight_gradient_distribution": "init_by_activation",
    "signal_by_layer": "init_by_activation",
    "activations_over_training": "init_by_activation",
    "learning_curves": "init_by_activation",
    "factor_response": "scale_by_norm",
    "heatmap": "scale_by_norm",
    "learning_rate_sensitivity": "scale_by_norm",
}


def drawn(kind: str, study: Study | None = None) -> list[Drawing]:
    made, fake = getattr(figure_frames, CASES[kind])()
    found = exhibits_of(Context(ITEMS[kind](), study or made, fake))
    return [drawing for drawing in found if isinstance(drawing, Drawing)]


def visible_texts(figure: Canvas) -> list[tuple[str, Bbox]]:
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    all_ticks: set[Text] = set()
    drawn_ticks: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                all_ticks |= {tick.label1, tick.label2}
            # Ticks outside the limits, or of axes that are off, exist and are not drawn.
            drawn_ticks |= {tick.label1 for tick in axis._update_ticks() if axes.axison}
    found = []
    for text in figure.findobj(Text):
        hidden = text in all_ticks and text not in drawn_ticks
        of_hidden_panel = text.axes is not None and not text.axes.get_visible()
        if text.get_text().strip() and text.get_visible() and not hidden and not of_hidden_panel:
            found.append((text.get_text(), text.get_window_extent(renderer)))
    return found


def overlapping(figure: Canvas) -> list[str]:
    """Name the texts that leave the page or lie over another."""
    texts, page, found = visible_texts(figure), figure.bbox, []
    for words, box in texts:
        inside = page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1
        if not inside or box.y0 < page.y0 - 1 or box.y1 > page.y1 + 1:
            found.append(f"{words!r} leaves the page")
    for (first, a), (second, b) in combinations(texts, 2):
        # A pixel of touching is the rounding of the renderer.
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        if width > 1 and height > 1:
            found.append(f"{first!r} over {second!r}")
    return found


#: Drawn from committed reports in `test_committed_figures`.
FROM_REPORTS = {
    "ensemble_curve", "reliability_diagram", "schedule_curves", "stopping_points", "ladder",
    "optimizer_paths", "loss_over_time", "leave_one_out", "variance_shares", "factor_effects",
    "contact_sheet",
}  # fmt: skip
#: Tables, and what is drawn of claims, of weights: they have tests of their own.
ELSEWHERE = {
    "table", "published", "compared_to_base", "effects", "effect_against_cost", "changed_examples",
    "weight_distribution", "input_pixels",
}  # fmt: skip


def test_every_kind_a_study_may_ask_for_is_a_module_and_drawn_somewhere() -> None:
    modules = {module.name for module in pkgutil.iter_modules(exhibits.__path__)}
    assert modules == set(ITEMS) == set(CASES) | FROM_REPORTS | ELSEWHERE


@pytest.mark.parametrize("kind", CASES)
def test_no_text_overlaps_or_leaves_the_figure(kind: str) -> None:
    for drawing in drawn(kind):
        assert len(visible_texts(drawing.figure)) > 3
        assert overlapping(drawing.figure) == []


@pytest.mark.long
def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:3]\n"
        "from test_figures import drawn\n"
        "for kind in ('learning_curves', 'heatmap'):\n"
        "    drawn(kind)[0].save(Path(sys.argv[3]))\n"
    )
    here, there = Path(__file__).parent, tmp_path / "there"
    source = str(Path(exhibits.__file__).parents[3])
    subprocess.run([sys.executable, "-c", code, str(here), source, str(there)], check=True)
    for kind in ("learning_curves", "heatmap"):
        drawn(kind)[0].save(tmp_path / "here")
    first = sorted((tmp_path / "here").iterdir())
    assert len(first) == 4
    for path in first:
        assert path.read_bytes() == (there / path.name).read_bytes(), path.name
    assert (tmp_path / "here" / "heatmap.svg").read_text().startswith("<svg")


def test_a_level_has_one_look_in_all_figures() -> None:
    study, _ = figure_frames.init_by_activation()
    table = looks(study)
    assert len(table) == sum(len(factor.levels) for factor in study.factors)
    assert len({(look.color, look.marker, str(look.dash)) for look in table.values()}) == len(table)


def test_a_caption_names_every_data_set_that_is_shown() -> None:
    study, _ = figure_frames.scale_by_norm()
    first, *others = study.factors
    names = ["mnist", *["cifar10"] * (len(first.levels) - 1)]
    levels = tuple(
        level.model_copy(update={"overrides": {**level.overrides, "data": name}})
        for level, name in zip(first.levels, names, strict=True)
    )
    mixed = study.model_copy(
        update={"factors": (first.model_copy(update={"levels": levels}), *others)}
    )
    (drawing,) = drawn("heatmap", mixed)
    assert "CIFAR-10 and MNIST" in drawing.caption
    assert drawing.caption.endswith(".")


def test_a_dollar_in_a_name_begins_no_formula(tmp_path: Path) -> None:
    """Half a formula ended the report, and a whole one lost its signs."""
    name = r"$\frac$ cost_$"
    figure, axes = page(PAPER, [1.0], 1, 3.0, Margins())
    axes[0, 0].set_title(name)
    axes[0, 0].set_xticks([0, 1], [name, "$a_b$"])
    axes[0, 0].set_yscale("log")
    svg, _, _ = Drawing("dollar", "A caption.", figure).save(tmp_path)
    drawn = svg.read_text(encoding="utf-8")
    assert drawn.count(f">{name}</text>") == 2
    assert ">$a_b$</text>" in drawn
    assert "mathdefault" not in drawn  # 10 and its power stand as two pieces of one text
    assert re.search(r"<text[^>]*><tspan[^>]*>10</tspan><tspan[^>]*>0</tspan></text>", drawn)
    assert text_width(name) > text_width("cost_")


def with_an_offset() -> Drawing:
    """Return a figure whose second title has to make way for what axis y is shifted by."""
    with style():
        figure, axes = page(PAPER, [1.3], 2, 3.4, Margins(top=0.4))
        for axis, start in zip(axes.flat, (0.0, 1e6), strict=True):
            axis.plot([0, 1], [start, start + 1e-3])
            axis.set_title("a title", loc="left")
    return Drawing("offset", "A figure.", figure)


@pytest.mark.parametrize("kind", ["learning_curves", "signal_by_layer", "heatmap", "offset"])
def test_titles_stand_where_matplotlib_would_put_them(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saved(folder: str) -> list[bytes]:
        drawing = with_an_offset() if kind == "offset" else drawn(kind)[0]
        svg, png, _ = drawing.save(tmp_path / folder)
        return [svg.read_bytes(), png.read_bytes()]

    settled = saved("settled")
    monkeypatch.setattr(canvas, "_settle", lambda figure: None)
    assert saved("searched") == settled


def test_a_title_makes_way_for_what_an_axis_is_shifted_by(tmp_path: Path) -> None:
    drawing = with_an_offset()
    drawing.save(tmp_path)
    plain, shifted = (axes._left_title.get_position()[1] for axes in drawing.figure.axes)
    assert (plain, shifted > 1.05) == (1.0, True)
