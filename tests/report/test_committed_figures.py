"""The figures of the committed reports: redrawn from their frames, legible, and right."""

from pathlib import Path

import numpy as np
import pytest
from test_figures import FROM_REPORTS, overlapping

from ablate.report.exhibits.contact_sheet import contact_sheet
from ablate.report.exhibits.ensemble_curve import predicted_brier
from ablate.report.exhibits.reliability_diagram import pooled
from ablate.report.frame import read_frames
from ablate.report.parts import each_part
from ablate.study.items import Item
from ablate.study.lockfile import read_lock

REPORTS = Path(__file__).resolve().parents[2] / "reports"
WITH_OPTIONS = {"factor_response": "metric", "learning_rate_sensitivity": "lines"}


def committed() -> dict[str, tuple[str, Item]]:
    """Return for each kind (and new option) the first report that shows it."""
    found: dict[str, tuple[str, Item]] = {}
    for path in sorted(REPORTS.glob("*/study.lock.yaml")):
        locked = read_lock(path.parent)
        assert locked is not None
        for item in locked.study.report:
            if item.kind in FROM_REPORTS or (
                WITH_OPTIONS.get(item.kind) in item.options and not locked.study.tune
            ):
                found.setdefault(item.kind, (path.parent.name, item))
            elif "probe" in item.options:
                found.setdefault(f"{item.kind} of the probe", (path.parent.name, item))
    return found


FOUND = committed()


def test_every_new_kind_is_in_a_report() -> None:
    assert set(FOUND) == FROM_REPORTS | set(WITH_OPTIONS) | {"factor_response of the probe"}


@pytest.mark.parametrize("kind", sorted(FOUND))
def test_no_text_overlaps_or_leaves_the_figure(kind: str) -> None:
    name, item = FOUND[kind]
    locked = read_lock(REPORTS / name)
    assert locked is not None
    configs = {cell.slug: cell.config for cell in locked.cells}
    for part, study, frames in each_part(item, locked.study, read_frames(REPORTS / name)):
        drawings = draw_item(item, study, frames, configs)
        assert drawings
        for drawing in drawings:
            assert overlapping(drawing.figure) == []
            assert drawing.caption.endswith(".")
            # What is committed is what is drawn.
            assert (REPORTS / name / f"{drawing.name}{part.suffix}.png").exists()


def test_the_contact_sheet_needs_no_data() -> None:
    drawing = contact_sheet(REPORTS / "augmentation" / "images.parquet", "mnist")
    assert overlapping(drawing.figure) == []


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
