"""The figures of the committed reports: redrawn from their frames, legible, and right."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_figures import FROM_REPORTS, overlapping

from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.exhibits.ensemble_curve import predicted_brier
from ablate.report.exhibits.reliability_diagram import pooled
from ablate.report.figures.canvas import Drawing
from ablate.report.figures.style import style
from ablate.report.frame import read_frames
from ablate.report.parts import each_part
from ablate.study.items import Item, OfQuantity
from ablate.study.lockfile import read_lock

REPORTS = Path(__file__).resolve().parents[2] / "reports"
WITH_OPTIONS = {"factor_response": "metric", "learning_rate_sensitivity": "lines"}


def committed() -> dict[str, tuple[str, Item]]:
    """Return for each kind (and some of their options) the first report that shows it."""
    found: dict[str, tuple[str, Item]] = {}
    for path in sorted(REPORTS.glob("*/study.lock.yaml")):
        locked = read_lock(path.parent)
        assert locked is not None
        for item in locked.study.report:
            option = WITH_OPTIONS.get(item.kind)
            has_option = option is not None and getattr(item, option) is not None
            if item.kind in FROM_REPORTS or (has_option and not locked.study.tune):
                found.setdefault(item.kind, (path.parent.name, item))
            elif isinstance(item, OfQuantity) and item.probe:
                found.setdefault(f"{item.kind} of the probe", (path.parent.name, item))
    return found


FOUND = committed()


def test_every_new_kind_is_in_a_report() -> None:
    assert set(FOUND) == FROM_REPORTS | set(WITH_OPTIONS) | {"factor_response of the probe"}


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_what_is_committed_is_what_is_drawn_and_legible(kind: str, tmp_path: Path) -> None:
    name, item = FOUND[kind]
    locked = read_lock(REPORTS / name)
    assert locked is not None
    configs = {cell.slug: cell.config for cell in locked.cells}
    for suffix, study, frames in each_part(item, locked.study, read_frames(REPORTS / name)):
        found = exhibits_of(Context(item, study, frames, configs, directory=REPORTS / name))
        drawings = [drawing for drawing in found if isinstance(drawing, Drawing)]
        assert drawings
        for drawing in drawings:
            with style():
                assert overlapping(drawing.figure) == []
            assert drawing.caption.endswith(".")
            _, drawn, _ = drawing.save(tmp_path)
            committed = REPORTS / name / f"{drawing.name}{suffix}.png"
            assert_same_picture(committed, drawn)


def assert_same_picture(committed: Path, drawn: Path) -> None:
    """Bytes depend on the library that compresses them, the ink on the page does not."""
    before, now = (np.asarray(Image.open(path).convert("L"), float) for path in (committed, drawn))
    assert before.shape == now.shape
    assert np.mean(np.abs(before - now) > 8) < 1e-4, committed


def test_the_law_is_an_identity_for_two_members_and_a_prediction_for_ten() -> None:
    runs = read_frames(REPORTS / "ensemble").runs
    runs = runs[(runs["factor:kind"] == "seeds") & (runs["factor:combine"] == "average")]
    two = runs[runs["factor:k"] == "2"]
    law = predicted_brier(two, np.array([2, 10]))
    assert law is not None
    assert law[0] == pytest.approx(two["test/brier"].mean(), abs=1e-8)
    # Two other members of the same kind: measured within three percent at k = 10.
    assert law[1] == pytest.approx(runs[runs["factor:k"] == "10"]["test/brier"].mean(), rel=0.03)


def test_pooled_bins_hold_every_example_of_every_replicate() -> None:
    frames = read_frames(REPORTS / "label_smoothing")
    runs = frames.runs[frames.runs["factor:smoothing"] == "0"]
    bins = frames.calibration[frames.calibration["cell"].isin(runs["cell"])]
    assert bins["count"].sum() == 10_000 * len(runs)
    assert bins["correct"].sum() / bins["count"].sum() == pytest.approx(
        runs["test/accuracy"].mean(), abs=1e-4
    )
    # Bins are of float16 logits, the metrics of float32: a tie may fall the other way.
    gap = (bins["correct"] - bins["confidence"]).abs().groupby(bins["replicate"]).sum() / 10_000
    np.testing.assert_allclose(gap.to_numpy(), runs["test/ece"].to_numpy(), atol=2e-4)
    points = pooled(bins)
    assert ((points["confidence"] > 0) & (points["confidence"] <= 1)).all()
    assert points["accuracy"].between(0, 1).all()
