"""The pages as a reader has them: opened from disk in a headless Chromium, one for all tests."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ablate.report.pages import write_index
from ablate.report.regenerate import regenerate_reports

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

REPORTS = Path(__file__).resolve().parents[2] / "reports"
STUDY = "recipe-cifar10"  # two figures with a point per replicate, several tables, n/c runs
CELL, REPLICATE = "ladder=momentum", 3
# What a scroll sets off is done before the frame after it is drawn.
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# The contrast of every text with what is behind it, as WCAG 2.1 defines it.
CONTRASTS = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = numbers(color).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if ((numbers(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    !["SCRIPT", "STYLE"].includes(element.tagName) && element.checkVisibility() &&
    !element.closest(".pad") && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const style = getComputedStyle(element);
    const ink = element.ownerSVGElement ? style.fill : style.color;
    const [low, high] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), `${element.tagName} ${element.textContent.trim().slice(0, 40)}`];
  });
}"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report anew from its committed frames, and an index of it and two more."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(REPORTS / STUDY, root / "reports" / STUDY)
    regenerate_reports(root, [STUDY])
    manifest = json.loads((root / "reports" / STUDY / "manifest.json").read_text())
    for name, lecture, verdict in (
        ("one", "optimization", "refuted"),
        ("two", "ensembles", "equal"),
    ):
        other = {
            "study": name, "question": f"What of {name}?", "answer": "No.", "data": ["MNIST"], "lecture": lecture,
            "verdicts": [{"claim": "c", "verdict": verdict, "text": "It is so.", "effect": "+1"}],
            "warnings": [{"kind": "edge of tuning", "claim": None, "text": "Nine of ten lie at an edge."}],
            "headline": ["c"],
        }  # fmt: skip
        (root / "reports" / name).mkdir()
        (root / "reports" / name / "manifest.json").write_text(json.dumps(manifest | other))
    write_index(root / "reports", [], root / "reports")
    return root / "reports"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Give a page on which an error in the console fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def address(reports: Path, state: str = "") -> str:
    return (reports / STUDY / "index.html").as_uri() + state


def runs_of(reports: Path) -> pd.DataFrame:
    runs = pd.read_parquet(reports / STUDY / "runs.parquet")
    return runs[runs["status"] == "done"]


def point(page: Any, run: Any) -> Any:
    return page.locator(f'svg [data-cell="{run["cell"]}"] [data-key="{run["key"][:8]}"]').first


def hover(page: Any, target: Any) -> str:
    target.scroll_into_view_if_needed()
    page.evaluate(NEXT_FRAME)  # the page has come to rest: to scroll hides the tooltip
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return str(page.locator("#tip").inner_text())


def test_nothing_is_asked_of_anywhere(reports: Path, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address(reports))
    page.wait_for_load_state("networkidle")
    assert asked == [address(reports)]


def test_a_point_tells_the_value_and_the_key_of_its_run(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    runs = runs_of(reports)
    lone = runs.groupby("cell")["test/accuracy"].transform("max") == runs["test/accuracy"]
    for run in runs[lone].iloc[[0, 4, 9]].to_dict("records"):
        text = hover(page, point(page, run))
        assert text.splitlines()[0] == f"{100 * run['test/accuracy']:.6g}"
        assert f"replicate {run['replicate']}" in text
        assert run["key"][:8] in text


def test_points_are_walked_by_arrow_keys(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    points = page.locator("figure svg").first.locator("[data-value],[data-mean]")
    points.first.focus()
    for number, key in ((0, None), (1, "ArrowRight"), (2, "ArrowDown"), (1, "ArrowLeft")):
        if key:
            page.keyboard.press(key)
        told = points.nth(number).get_attribute("data-value")
        assert page.locator("#tip").inner_text().splitlines()[0] == told
        assert page.locator(":focus").get_attribute("aria-describedby") == "tip"
    assert page.locator("figure svg").first.locator('[tabindex="0"]').count() == 1
    points.last.focus()
    page.evaluate("scrollTo(0, 100)")
    page.evaluate(NEXT_FRAME)
    assert page.locator("#tip").is_visible()  # it moves along
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_a_cell_of_a_table_tells_its_runs(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    cell = page.locator("#table-1 td[data-cell]").nth(1)
    runs = runs_of(reports)
    own = runs[runs["cell"] == cell.get_attribute("data-cell")]
    for text in (hover(page, cell), (cell.focus(), page.locator("#tip").inner_text())[1]):
        assert f"n = {len(own)}, n/c 0" in text
        assert all(key[:8] in text for key in own["key"])
        assert "by replicate: " in text
    page.keyboard.press("ArrowDown")
    assert page.locator(":focus").get_attribute("data-cell") != cell.get_attribute("data-cell")


def means(page: Any) -> list[float]:
    texts = page.locator("#table-1 tbody td:nth-child(2) .number").all_inner_texts()
    return [float(text.split()[0]) for text in texts if "n/c" not in text]


def test_tables_are_sorted_by_number_and_n_c_comes_last(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    before = means(page)
    head = page.locator("#table-1 thead th").nth(1)
    for direction in ("ascending", "descending"):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == direction
        assert means(page) == sorted(before, reverse=direction == "descending")
        assert "n/c" in page.locator("#table-1 tbody tr").last.inner_text()
    head.get_by_role("button").click()
    assert means(page) == before != sorted(before)
    assert head.get_attribute("aria-sort") is None


def visible_rows(page: Any, table: str) -> list[str]:
    return [row for row in page.locator(f"#{table} tbody tr").all() if row.is_visible()]


def test_rows_are_filtered_by_text(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    assert len(visible_rows(page, "table-2")) == 8
    page.get_by_role("searchbox", name="Filter the rows of table 2").fill("Batch N")
    (row,) = visible_rows(page, "table-2")
    assert "without batch norm" in row.inner_text()


def test_the_address_holds_the_state(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    page.locator("#table-1 thead th").nth(1).get_by_role("button").click()
    page.get_by_role("searchbox", name="Filter the rows of table 2").fill("norm")
    page.locator("summary").first.click()
    page.locator(".controls").get_by_role("button", name="5", exact=True).click()
    page.locator("summary").first.click()  # open, it may lie above the point
    run = runs_of(reports).iloc[REPLICATE].to_dict()
    assert f"replicate {run['replicate']}" in hover(page, point(page, run))
    page.mouse.down()
    page.mouse.up()
    # Of the page itself: playwright hears of a changed address a little later.
    found, there = page.evaluate("location.href"), means(page)
    page.goto("about:blank")
    page.goto(found)
    assert page.evaluate("location.href") == found
    assert means(page) == there == sorted(there)
    assert len(visible_rows(page, "table-2")) == 1
    assert page.locator(f'svg [data-replicate="{run["replicate"]}"]:not(.same)').count() == 0
    assert page.locator('svg [data-replicate="5"]:not(.off)').count() == 0
    assert page.locator('svg [data-replicate="4"].off').count() == 0


def test_a_replicate_is_followed_through_all_figures(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    run = runs_of(reports).iloc[REPLICATE].to_dict()
    hover(page, point(page, run))
    figures = page.locator("figure:has(svg.traced)")
    assert figures.count() == 2
    for figure in figures.all():
        same = figure.locator("svg .same")
        assert same.count() >= 8
        assert {one.get_attribute("data-replicate") for one in same.all()} == {
            str(run["replicate"])
        }
        assert figure.locator("path.pairs").count() == 1
    page.mouse.move(1, 1)
    assert page.locator("svg.traced").count() == 0


def test_a_level_that_is_off_is_in_no_figure_and_no_table(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    level = '[data-level-leave-one-out="without momentum"]'
    assert page.locator(f"svg {level}").first.is_visible()
    page.locator("summary").first.click()
    chip = page.locator(".controls").get_by_role("button", name="without momentum", exact=True)
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    assert not any(one.is_visible() for one in page.locator(f"svg {level}").all())
    assert len(visible_rows(page, "table-2")) == 7
    chip.click()
    assert page.locator(f"svg {level}").first.is_visible()
    assert len(visible_rows(page, "table-2")) == 8


def test_figures_are_enlarged_and_put_back(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    svg = page.locator("figure svg").first
    before = svg.bounding_box()["width"]
    page.get_by_role("button", name="Enlarge").first.click()
    assert page.locator("dialog svg").bounding_box()["width"] > 1.3 * before
    page.keyboard.press("Escape")
    page.locator("dialog svg").wait_for(state="detached")  # a dialog says later that it closed
    assert svg.bounding_box()["width"] == before


def test_a_page_alone_gives_its_figures_as_files(reports: Path, page: Any, tmp_path: Path) -> None:
    shutil.copy(reports / STUDY / "index.html", tmp_path / "alone.html")
    page.goto((tmp_path / "alone.html").as_uri())
    got = {}
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as download:
            page.locator("figure").first.get_by_role("button", name=kind, exact=True).click()
        got[kind] = Path(download.value.path()).read_bytes()
    (name,) = (path for path in (reports / STUDY).glob("ladder*.svg"))
    assert got["SVG"].decode() == name.read_text()
    drawn = np.asarray(Image.open(io.BytesIO(got["PNG"])).convert("L"))
    assert drawn.shape[1] == 4 * 378
    assert 0.01 < (drawn < 128).mean() < 0.2
    lines = pd.read_csv(io.BytesIO(got["CSV"]))
    values = sorted(lines["value"].dropna())
    ladder = runs_of(reports).dropna(subset=["factor:ladder"])
    np.testing.assert_allclose(values, sorted(100 * ladder["test/accuracy"]), rtol=1e-5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("where", [f"{STUDY}/index.html", "index.html"])
def test_every_text_stands_out(reports: Path, page: Any, where: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto((reports / where).as_uri())
    found = page.evaluate(CONTRASTS)
    assert len(found) > 20
    assert [text for contrast, text in found if contrast < 4.5] == []


def test_the_button_changes_the_theme_and_it_stays(reports: Path, page: Any) -> None:
    page.goto(address(reports))
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    page.reload()
    assert page.evaluate(ground) == dark != light
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == light


@pytest.mark.parametrize("where", [f"{STUDY}/index.html", "index.html"])
def test_a_phone_scrolls_the_page_one_way(reports: Path, page: Any, where: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((reports / where).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_page_is_whole(reports: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(address(reports))
    manifest = json.loads((reports / STUDY / "manifest.json").read_text())
    for table in manifest["tables"].values():
        rows = {cell["row"] for cell in table["cells"]}
        name = table["files"][0].removesuffix(".md")
        assert page.locator(f"#{name} tbody tr").count() >= len(rows)
        assert all(row.is_visible() for row in page.locator(f"#{name} tbody tr").all())
    drawings = page.locator('figure svg[role="img"]')
    assert drawings.count() == len(manifest["figures"])
    captions = [figure["caption"] for figure in manifest["figures"].values()]
    for svg, caption in zip(drawings.all(), captions, strict=True):
        assert svg.is_visible()
        assert caption.startswith(svg.get_attribute("aria-label"))
    assert page.locator("figure .files a").count() == 2 * len(captions)
    context.close()


def studies(page: Any) -> list[str]:
    return [one.get_attribute("id") for one in page.locator(".study").all() if one.is_visible()]


def test_the_index_finds_studies(reports: Path, page: Any) -> None:
    page.goto((reports / "index.html").as_uri())
    assert studies(page) == ["one", STUDY, "two"]
    for name, option, found in (
        ("verdicts", "equal", "two"), ("data", "CIFAR-10", STUDY), ("lecture", "optimization", "one"),
    ):  # fmt: skip
        choice = page.locator(f"select[name={name}]")
        choice.select_option(option)
        assert studies(page) == [found]
        assert page.locator("output").inner_text() == "1 of 3 studies"
        state = page.evaluate("location.href")
        page.goto("about:blank")
        page.goto(state)
        assert studies(page) == [found]
        choice.select_option("any")
    page.get_by_role("searchbox").fill("recipe ADD")
    assert studies(page) == [STUDY]
    page.get_by_role("searchbox").fill("")
    page.locator("select[name=sort]").select_option("most verdicts")
    assert studies(page)[0] == STUDY


def test_the_index_tells_warnings(reports: Path, page: Any) -> None:
    page.goto((reports / "index.html").as_uri())
    one = page.locator("#one")
    assert not one.get_by_text("Nine of ten").is_visible()
    one.get_by_text("1 warning").click()
    assert one.get_by_text("Nine of ten").is_visible()
    assert one.locator("li.headline").inner_text() == "refuted: It is so. +1"
