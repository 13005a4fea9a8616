"""What is written of a figure: small, the same picture, and with what is known of its points."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from ablate.report.figures.canvas import Drawing, Margins, page
from ablate.report.figures.marks import level_name, mark, marked, read_mark, run_data
from ablate.report.figures.path_data import commands, moved, relative
from ablate.report.figures.style import style
from ablate.report.sizes import PAPER


def saved(directory: Path, draw, name: str = "some") -> tuple[ElementTree.Element, Path]:
    with style():
        figure, axes = page(PAPER, [1.5], 1, 3.0, Margins())
        draw(axes[0, 0])
        svg, png, _ = Drawing(name, "A caption.", figure).save(directory)
    return ElementTree.fromstring(svg.read_text(encoding="utf-8")), png


def local(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [one for one in root.iter() if one.tag.endswith("}" + tag)]


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 0 0 L 10 0 L 10 5.5 z", "M0 0h10v5.5z"),
        ("M 0.126 -0.5 L 1.126 0.25", "M.13-.5l1 .75"),
        ("M 0 0 L 1 0 L 3 0 L 3 0 L 2 0", "M0 0h3-1"),
        ("M 1 1 C 1 2 3 4 5 6", "M1 1c0 1 2 3 4 5"),
        ("M 0 0 Q 1 2 3 4 L 3 4", "M0 0q1 2 3 4"),
        ("M 1 1 L 2 2 z M 5 5 L 6 6", "M1 1l1 1zM5 5l1 1"),
        ("M 1 1 L 1 1", "M1 1l0 0"),
        ("M 1 1 L 1 1 L 2 2", "M1 1l1 1"),
        ("M 1 1 L 2 1 L 2 1 L 4 1 L 4 3", "M1 1h3v2"),
    ],
)
def test_paths_are_written_short(path: str, short: str) -> None:
    assert relative(path) == short


def corners(path: str) -> np.ndarray:
    """Follow a path in relative commands of matplotlib's kind of lines."""
    here, found = np.zeros(2), []
    for letter, numbers in re.findall(r"([Mlhv])([^Mlhvz]*)", path):
        values = [float(n) for n in re.findall(r"-?\d*\.?\d+", numbers)]
        if letter == "M":
            here = np.array(values)
            found.append(here)
            continue
        if letter == "l":
            steps = np.reshape(values, (-1, 2))
        else:
            steps = np.outer(values, (1, 0) if letter == "h" else (0, 1))
        for step in steps:
            here = here + step
            found.append(here)
    return np.array(found)


def test_rounding_does_not_add_up() -> None:
    walk = np.cumsum(np.random.default_rng(0).uniform(0.2, 0.6, (500, 2)), axis=0)
    path = "M " + " L ".join(f"{x:.6f} {y:.6f}" for x, y in walk)
    shown = corners(relative(path))
    assert len(relative(path)) < 0.45 * len(path)
    assert np.abs(shown[-1] - walk[-1]).max() <= 0.05 + 1e-9
    nearest = np.abs(walk[:, None] - shown[None]).max(axis=2).min(axis=1)
    assert nearest.max() <= 0.05 + 1e-9


def test_a_path_is_moved() -> None:
    assert commands(moved("M 0 1 L 2 3 z", 10, -1)) == [("M", (10, 0)), ("L", (12, 2)), ("z", ())]


def test_text_stays_text_in_the_width_it_was_laid_out_with(tmp_path: Path) -> None:
    def draw(axis) -> None:
        axis.set_xlabel("test accuracy (%)")
        axis.set_yscale("log")

    root, _ = saved(tmp_path, draw)
    texts = {"".join(one.itertext()): one for one in local(root, "text")}
    # DejaVu Sans at 8 points: the advance of each letter, from its table of widths.
    assert float(texts["test accuracy (%)"].attrib["textLength"]) == pytest.approx(70.4, abs=0.5)
    assert "100" in texts  # 10 and its power: found as one text
    assert root.attrib["font-family"].startswith("'DejaVu Sans'")


def test_a_file_has_no_style_no_metadata_and_only_ids_that_are_used(tmp_path: Path) -> None:
    root, _ = saved(tmp_path, lambda axis: axis.plot(range(9), marker="s"))
    assert not {"style", "metadata", "comment"} & {one.tag.split("}")[-1] for one in root.iter()}
    assert not [one for one in root.iter() if "style" in one.attrib]
    ids = [one.attrib["id"] for one in root.iter() if "id" in one.attrib]
    text = ElementTree.tostring(root, encoding="unicode")
    assert ids
    assert all(f"#{one}" in text for one in ids)
    assert set(re.findall(r"#(f[0-9a-f]+-\d+)", text)) == set(ids)


def test_figures_of_one_page_share_no_id(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        root, _ = saved(tmp_path, lambda axis: axis.plot(range(9), marker="s"), name)
        found.append({one.attrib["id"] for one in root.iter() if "id" in one.attrib})
    assert found[0]
    assert not found[0] & found[1]


RUN = {"cell": "init=he-1a2b", "replicate": 0, "key": "0123456789abcdef"}


def points(count: int) -> list[dict[str, str]]:
    return [
        run_data(RUN | {"replicate": r}, {"Init.x y": "<he>"}, 97 + r / 8) for r in range(count)
    ]


def test_points_carry_their_runs(tmp_path: Path) -> None:
    values = [97 + r / 8 for r in range(3)]

    def draw(axis) -> None:
        marked(axis.plot(range(3), values, ls="", marker="."), {}, points(3))
        marked(axis.plot([0, 2], [98, 98]), {"level-init": "he"})

    root, _ = saved(tmp_path, draw)
    uses = [one for one in local(root, "use") if "data-value" in one.attrib]
    assert [one.attrib["data-replicate"] for one in uses] == ["0", "1", "2"]
    assert [float(one.attrib["data-value"]) for one in uses] == values
    heights = [float(one.attrib["y"]) for one in uses]
    assert heights == sorted(heights, reverse=True)
    (group,) = [one for one in root.iter() if one.get("data-cell") == RUN["cell"]]
    assert group.attrib["data-key"] == "01234567"
    assert group.attrib["data-level-init.x_y"] == "<he>"
    assert set(uses) <= set(group.iter())
    (line,) = [one for one in root.iter() if one.get("data-level-init") == "he"]
    assert local(line, "path") or line.tag.endswith("}path")


def test_points_that_are_not_all_drawn_are_told_nothing_of(tmp_path: Path) -> None:
    values = [97.0, float("nan"), 98.0]
    root, _ = saved(
        tmp_path, lambda axis: marked(axis.plot(range(3), values, ls="", marker="."), {}, points(3))
    )
    assert not [one for one in root.iter() if "data-value" in one.attrib]


def test_a_mark_says_once_what_all_points_share() -> None:
    found = read_mark(mark({"a": "1"}, [{"b": "2", "c": "3"}, {"b": "2", "c": "4"}]))
    assert found is not None
    assert found.of_all == {"a": "1", "b": "2"}
    assert found.of_each == [{"c": "3"}, {"c": "4"}]
    assert read_mark("line2d_3") is None


def test_levels_have_names_that_an_attribute_may_have() -> None:
    assert level_name('Optimizer.lr "x"') == "level-optimizer.lr_x_"


def test_a_png_has_a_palette_unless_it_shows_a_photograph(tmp_path: Path) -> None:
    _, few = saved(tmp_path, lambda axis: axis.plot(range(9), color="#d55e00"), "few")
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    _, many = saved(tmp_path, lambda axis: axis.imshow(noise), "many")
    with Image.open(few) as drawn, Image.open(many) as photograph:
        assert (drawn.mode, photograph.mode) == ("P", "RGB")
        colors = {color for _, color in drawn.convert("RGB").getcolors(1000)}
    assert {(0xD5, 0x5E, 0x00), (255, 255, 255), (0, 0, 0)} <= colors


def test_a_palette_keeps_every_pixel_close(tmp_path: Path) -> None:
    def draw(axis) -> None:
        for place, color in enumerate(("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#d55e00")):
            axis.add_patch(Rectangle((place, 0), 1, 1, color=color, alpha=0.2, lw=0))
            axis.plot([0, 5], [place / 5, 1 - place / 7], color=color)

    with style():
        figure, axes = page(PAPER, [1.5], 1, 3.0, Margins())
        draw(axes[0, 0])
        _, png, _ = Drawing("some", "A caption.", figure).save(tmp_path)
        figure.savefig(tmp_path / "whole.png")
    shown, whole = (
        np.asarray(Image.open(p).convert("RGB"), int) for p in (png, tmp_path / "whole.png")
    )
    off = np.abs(shown - whole).max(axis=-1)
    assert (off > 16).mean() <= 0.005
    assert off.mean() < 1
