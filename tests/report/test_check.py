"""`ablate report --check`: what is held against what, and what is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.report.frame import read_frames, write_frames
from ablate.report.regenerate import check_reports, regenerate
from ablate.report.same import same

REPORTS = Path(__file__).resolve().parents[2] / "reports"
NAME = "early_stopping"
#: With theory, claims on the probe, histograms and tests.
RICH = "batchnorm_x_init"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with a report as this code writes it."""
    root = tmp_path_factory.mktemp("written")
    shutil.copytree(REPORTS / NAME, root / "reports" / NAME)
    regenerate(root, NAME)
    return root


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written / "reports", tmp_path / "reports")
    return tmp_path / "reports" / NAME


def found(report: Path) -> list[str]:
    return [path.name for path in check_reports(report.parents[1], [NAME])]


@pytest.mark.long
def test_another_processor_finds_the_same(tmp_path: Path) -> None:
    """With the instructions of an old one: no vector units that numpy can do without."""
    shutil.copytree(REPORTS / RICH, tmp_path / "reports" / RICH)
    regenerate(tmp_path, RICH)
    simd = np.show_config(mode="dicts")["SIMD Extensions"]["found"]  # type: ignore[index]
    environment = {
        **os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(simd), "OPENBLAS_CORETYPE": "Prescott",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ablate", "report", "--check", RICH, "--root", str(tmp_path)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_altered_file_is_found_and_no_other(copied: Path) -> None:
    table = copied / "table-1.md"
    text = table.read_text()
    digit = next(
        place for place, sign in enumerate(text) if sign == "." and text[place + 1].isdigit()
    )
    other = "1" if text[digit + 1] != "1" else "2"
    table.write_text(text[: digit + 1] + other + text[digit + 2 :])
    first, second, *_ = sorted(copied.glob("*.svg"))
    drawing = first.read_text()
    path = re.search(r' d="M-?\d+', drawing)  # no digit behind a point may tell it apart
    assert path is not None
    place = path.end() - 1
    first.write_text(drawing[:place] + str(int(drawing[place]) ^ 1) + drawing[place + 1 :])
    pictures = [path.with_suffix(".png") for path in (first, second)]
    content = bytearray(pictures[0].read_bytes())
    content[len(content) // 2] ^= 1
    pictures[0].write_bytes(content)
    shutil.copyfile(copied / "effects.png", pictures[1])  # a whole picture, of another drawing
    (copied / "table-2.tex").unlink()
    altered = {"table-1.md", first.name, pictures[0].name, pictures[1].name, "table-2.tex"}
    # Where a drawing is large the page has its picture instead.
    assert set(found(copied)) - {"index.html"} == altered


def test_an_altered_frame_is_found_by_its_name(copied: Path, tmp_path: Path) -> None:
    frames = read_frames(copied)
    runs = frames.runs.copy()
    runs.loc[0, "test/accuracy"] += 0.01
    write_frames(replace(frames, runs=runs), tmp_path / "frames")
    shutil.copyfile(tmp_path / "frames" / "runs.parquet", copied / "runs.parquet")
    names = found(copied)
    assert {"runs.parquet", "README.md", "manifest.json"} <= set(names)
    assert "epochs.parquet" not in names


def test_numbers_that_code_would_print_otherwise_are_found(copied: Path) -> None:
    """Somebody wrote a table and its digest: what the frames give is another."""
    from ablate.store.files import sha256

    table, manifest = copied / "table-1.tex", copied / "manifest.json"
    before = table.read_bytes()
    number = next(word for word in before.decode().split() if word[:2].isdigit() and "." in word)
    after = before.replace(number.encode(), f"{float(number) + 1:.1f}".encode(), 1)
    table.write_bytes(after)
    manifest.write_text(manifest.read_text().replace(sha256(before), sha256(after)))
    assert found(copied) == ["table-1.tex"]


def test_a_report_without_a_manifest_is_found(copied: Path) -> None:
    (copied / "manifest.json").write_text("{")
    assert "manifest.json" in found(copied)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("96.2 ± 1.3", "96.3 ± 1.3", True),
        ("96.2 ± 1.3", "96.4 ± 1.3", False),
        ("**96.2**", "96.2", False),
        ("12 of 24 runs", "13 of 24 runs", False),
        ("1,234.5 steps", "1,234.6 steps", True),
        ("1,234.5 steps", "1,235.6 steps", False),
        ("p = 1.2e-05", "p = 1.3e-05", True),
        ("p = 1.2e-05", "p = 1.2e-06", False),
        ("torch 2.13.0", "torch 2.14.0", False),
        ("commit 1f2e3d4", "commit 1f2e3d5", False),
        ("−0.3", "0.3", False),
        ("2.4×10⁻¹²", "2.5×10⁻¹²", True),
        ("2.4×10⁻¹²", "2.4×10⁻¹¹", False),
        ("n/c", "99.9", False),
    ],
)
def test_printed_numbers_agree_to_a_unit_of_their_last_digit(
    one: str, other: str, agree: bool
) -> None:
    for name in ("table-1.md", "table-1.tex", "README.md", "index.html"):
        assert same(name, one.encode(), other.encode()) is agree
    texts = [json.dumps({"cells": [{"text": text}], "platform": text}) for text in (one, other)]
    assert same("manifest.json", *(text.encode() for text in texts)) is agree


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("0.1", "0.10000000000000002", True),
        ("0.1", "0.2", False),
        ("0.12345678", "0.12345679", False),
        ("0.0", "-1.1e-16", False),  # a sign is no number
        ("0.0", "1.1e-16", True),
        ("3", "4", False),
    ],
)
def test_unrounded_numbers_agree_to_nine_digits(one: str, other: str, agree: bool) -> None:
    assert same("table-1.csv", f"he,{one},6".encode(), f"he,{other},6".encode()) is agree


SVG = (
    '<svg><path id="m0123456789" d="M 10.5 20.25 L 3 -4"/>'
    '<use xlink:href="#m0123456789" style="stroke: #0173b2"/><use xlink:href="#DejaVuSans-31"/></svg>'
)


@pytest.mark.parametrize(
    ("old", "new", "agree"),
    [
        ("20.25", "20.29", True),
        ("20.25", "20.31", False),
        ("m0123456789", "mabcdefabcd", True),  # a digest of the numbers
        ('#m0123456789"', '#mabcdefabcd"', False),  # of another piece
        ("#0173b2", "#0174b2", False),
        ("DejaVuSans-31", "DejaVuSans-32", False),
        ("L 3", "M 3", False),
        (" L 3 -4", "", False),
    ],
)
def test_drawings_agree_in_what_is_seen(old: str, new: str, agree: bool) -> None:
    other = SVG.replace(old, new)
    assert other != SVG
    assert same("a.svg", SVG.encode(), other.encode()) is agree
    pages = [f"<p>1.5</p>{svg}<p>" for svg in (SVG, other)]
    assert same("index.html", *(page.encode() for page in pages)) is agree


def test_frames_agree_by_value(tmp_path: Path) -> None:
    def bytes_of(value: float, name: str = "a") -> bytes:
        path = tmp_path / "frame.parquet"
        pd.DataFrame({"cell": [name], "loss": [value]}).to_parquet(path)
        return path.read_bytes()

    assert same("epochs.parquet", bytes_of(0.1), bytes_of(np.nextafter(0.1, 1)))
    assert not same("epochs.parquet", bytes_of(0.1), bytes_of(0.1001))
    assert not same("epochs.parquet", bytes_of(0.1), bytes_of(0.1, "b"))
    assert not same("epochs.parquet", bytes_of(0.1), b"PAR1")


def test_what_is_damaged_is_not_the_same() -> None:
    assert not same("README.md", b"\xff", b"a")
    assert not same("manifest.json", b"{", b"{}")
    assert not same("study.lock.yaml", b"1.5", b"1.6")
