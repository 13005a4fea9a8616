"""Levels of one figure are told apart: by far colours, whatever cones one has, and a second cue."""

from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from ablate.report.figures.style import is_ordered, look, looks, shades, style, text_width
from ablate.report.sizes import PAPER, SLIDES
from ablate.study.items import ITEMS
from ablate.study.schema import Factor, Level, Metric, Study

#: Machado et al. 2009, as colorspacious has them; the whole of a kind of cones is missing.
EYES = (None, "deuteranomaly", "protanomaly")


def uniform(colors: list[str], eyes: str | None) -> np.ndarray:
    """Return CAM02-UCS coordinates (N, 3), in which a distance of 1 is just seen."""
    rgb = np.array([to_rgb(color) for color in colors])
    if eyes:
        space = {"name": "sRGB1+CVD", "cvd_type": eyes, "severity": 100}
        rgb = np.clip(cspace_convert(rgb, space, "sRGB1"), 0, 1)
    return cspace_convert(rgb, "sRGB1", "CAM02-UCS")


def nearest(colors: list[str], eyes: str | None) -> float:
    places = uniform(colors, eyes)
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2))


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize(
    ("count", "least"), [(2, 50), (3, 30), (4, 25), (6, 20), (7, 14), (9, 12), (11, 10), (12, 7)]
)
def test_hues_are_far_apart(count: int, least: float, eyes: str | None) -> None:
    assert nearest([look(number).color for number in range(count)], eyes) > least


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("ramp", ["viridis", "inferno"])
@pytest.mark.parametrize(("count", "least"), [(3, 30), (5, 15), (8, 8), (10, 5)])
def test_ramps_are_far_apart_and_run_from_dark_to_light(
    count: int, least: float, ramp: str, eyes: str | None
) -> None:
    colors = shades(count, ramp)
    assert nearest(colors, eyes) > least
    assert (np.diff(uniform(colors, eyes)[:, 0]) > 0).all()


def test_no_level_is_too_pale_for_white_paper() -> None:
    colors = [look(number).color for number in range(12)] + shades(5) + shades(5, "inferno")
    assert uniform(colors, None)[:, 0].max() < 86  # white is 100


def factor(name: str, values: list) -> Factor:
    levels = [Level(name=f"{value}", overrides={name: value}) for value in values]
    return Factor(name=name, label=name, levels=levels)


def study(*factors: Factor) -> Study:
    return Study(
        name="looks", question="Who is who?", baseline={}, factors=factors, replicates=1,
        metric=Metric(name="test/accuracy", better="higher"), report=(ITEMS["table"](),),
    )  # fmt: skip


def test_levels_with_an_order_are_a_ramp_in_the_order_of_their_numbers() -> None:
    scale = factor("scale", [1, 0.1, 10])
    assert is_ordered(scale)
    assert not is_ordered(factor("norm", ["none", "batch", "layer"]))
    assert not is_ordered(factor("width", [100, 400]))
    table = looks(study(scale))
    assert [table["scale", level].color for level in ("0.1", "1", "10")] == shades(3)


def test_few_levels_have_a_hue_each_and_many_begin_anew_in_each_factor() -> None:
    few = looks(study(factor("a", ["p", "q"]), factor("b", ["r", "s"])))
    assert len({one.color for one in few.values()}) == 4
    many = looks(study(factor("a", list("pqrst")), factor("b", list("uvwxy"))))
    assert many["a", "p"].color == many["b", "u"].color == look(0).color


@pytest.mark.parametrize("levels", [2, 5, 8, 12])
def test_levels_of_a_factor_differ_in_colour_and_in_marker(levels: int) -> None:
    names = [f"level {number}" for number in range(levels)]
    table = looks(study(factor("first", ["x", "y", "z"]), factor("a", names)))
    own = [table["a", name] for name in names]
    for cue in ("color", "marker"):
        assert len({getattr(one, cue) for one in own}) == levels
    assert len({str(one.dash) for one in own}) == min(levels, 6)


def test_a_style_is_in_force_only_where_it_is_asked_for() -> None:
    import matplotlib

    before = matplotlib.rcParams["xtick.labelsize"]
    with style(SLIDES):
        assert matplotlib.rcParams["xtick.labelsize"] * SLIDES.magnified == 18
    with style():
        assert matplotlib.rcParams["xtick.labelsize"] == PAPER.small
    assert matplotlib.rcParams["xtick.labelsize"] == before


@pytest.mark.parametrize(
    "text", ["a", "l", ".", "He's scale", "2×10⁻⁹", "test accuracy, %", "gß@&§~{}", "C O S Q 0 8 6"]
)
def test_a_text_is_as_wide_as_matplotlib_draws_it(text: str) -> None:
    drawn = TextPath((0, 0), text, size=7.0, prop=FontProperties(family="DejaVu Sans"))
    # Not by a bit more or less: panels are placed by it.
    assert text_width(text, 7.0) == drawn.get_extents().width / 72


def test_the_widest_line_counts_and_a_dollar_is_a_dollar() -> None:
    assert text_width("i\nwide line\n ") == text_width("wide line")
    assert text_width("$x$") > text_width("x")
    assert text_width(" ") == 0
