"""What a user sees of a study in MLflow's own pages, in a browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from store_samples import a_cell, a_diverged_record, a_record, add_run

from ablate.commands.sync import report_page
from ablate.report.headline import headline
from ablate.report.manifest import read_manifest
from ablate.store.sync import sync

REPORT = Path(__file__).parents[2] / "reports" / "quickstart"
WHY_NOT = "needs playwright and a chromium on the PATH, to look at pages as a user does"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason=WHY_NOT)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
SECONDS = 1000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    """Return a folder with two cells of three runs, one of them n/c, and a report that is real."""
    root = tmp_path_factory.mktemp("shown")
    shutil.copy(empty_mlflow, root)
    shutil.copytree(REPORT, root / "reports" / "quickstart")
    # The alphabet would have them the other way round, and so would the time of their start.
    cells = [a_cell("xavier"), a_cell("he")]
    for replicate in range(3):
        for cell in reversed(cells):
            value = {"test/accuracy": 0.9 + replicate / 100}
            add_run(root, cell, replicate, a_record(metrics=value), study="quickstart")
    add_run(root, cells[0], 2, a_diverged_record(), study="quickstart")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        page = report_page(root / "reports" / "quickstart")
        sync(root, "quickstart", "Does it matter?", cells, page)
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """Serve the pages, yield the address that is printed; nothing else may be said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["-m", "ablate", "ui", "quickstart", "--port", str(port), "--root", str(root)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    with subprocess.Popen(
        [sys.executable, *words], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as ui:  # fmt: skip
        assert ui.stdout is not None
        line = ui.stdout.readline()
        try:
            assert line.startswith(f"open http://127.0.0.1:{port}/#/experiments/")
            yield line.split()[1]
        finally:
            ui.terminate()
            said = ui.communicate()
            assert said == ("", "")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0  # no process of the server is left


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1900, "height": 900})
        page.set_default_timeout(30 * SECONDS)
        page.goto(address)
        yield page
        browser.close()


def test_a_row_per_cell_with_the_mean_first_and_the_verdict_above(page: Any, root: Path) -> None:
    page.get_by_role("link", name="init=he").wait_for()
    page.get_by_text("n_failed").wait_for()
    headers = [text.strip() for text in page.locator(".ag-header-cell").all_inner_texts()]
    shown = headers[headers.index("Description") + 1 :]
    assert shown == ["mean", "mean_from", "mean_to", "n", "n_c", "n_failed"]
    assert page.locator(".ag-row a").all_inner_texts() == ["report", "init=xavier", "init=he"]
    verdict, first, second = page.locator(".ag-center-cols-container .ag-row").all_inner_texts()
    assert headline(read_manifest(root / "reports" / "quickstart") or {})[:40] in verdict
    # Of 90 and 91 % with t = 12.71 for one degree of freedom, and of 90, 91, 92 % with 4.303.
    assert "90.5 % (84.15 to 96.85) · n 3 · n/c 1" in first
    assert "91 % (88.52 to 93.48) · n 3 · n/c 0" in second
    picture_of(page, "table")


def test_the_report_shows_its_answer_its_pictures_and_its_page(page: Any, root: Path) -> None:
    manifest = read_manifest(root / "reports" / "quickstart")
    assert manifest is not None
    page.get_by_role("link", name="report", exact=True).first.click()
    page.get_by_text("Show more").click()
    page.get_by_text(manifest["answer"][:60]).first.wait_for()
    picture = page.locator('img[src*="learning_curves.svg"]')
    picture.wait_for()
    drawn = "picture => picture.complete && picture.naturalWidth > 400"
    page.wait_for_function(drawn, arg=picture.element_handle())
    assert picture.bounding_box()["width"] < 1000
    picture_of(page, "report")
    # A click would open it in a window of its own.
    link = page.get_by_role("link", name="The whole report").get_attribute("href")
    page.goto(urljoin(page.url, link))
    inside = page.frame_locator("iframe.mlflow-html-iframe")
    inside.locator("h1").wait_for()
    said = " ".join(inside.locator("body").inner_text().split())
    assert " ".join(manifest["question"].split()) in said
    assert manifest["answer"][:60] in said
    picture_of(page, "page")


def test_a_replicate_shows_its_curves(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="init=he").click()
    page.get_by_role("link", name="init=he · 0").click()
    page.get_by_role("tab", name="Model metrics").click()
    page.get_by_placeholder("Search metric charts").fill("validation/accuracy")
    line = page.locator(".scatterlayer path.js-line").first
    line.wait_for(state="attached")
    picture_of(page, "curves")
    points = re.findall(r"[\d.]+,[\d.]+", line.get_attribute("d"))
    heights = [float(point.split(",")[1]) for point in points]
    # Three epochs of growing accuracy: upwards on the screen.
    assert len(points) >= 2  # what lies on a straight line is left out
    assert heights == sorted(heights, reverse=True)


def picture_of(page: Any, name: str) -> None:
    """Keep what is seen where the environment says a folder, for whoever wants to look at it."""
    if folder := os.environ.get("ABLATE_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")
