"""Frames as they are read from the ledger."""

from __future__ import annotations

import itertools
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_ledger import LAYERS, STEPS, a_cell, a_probe, add_run, assert_equal, frames

from ablate.metrics import NO_METRICS, PROBED, STATISTICS
from ablate.report.frame import Frames, read_frames, write_frames
from ablate.report.held_out import HeldOut, unpacked
from ablate.report.loss_blocks import CURVE_POINTS, curve_edges
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.ledger import run_directory


def test_runs_have_a_row_each_in_order_of_cells(ledger: tuple[Path, list[LedgerCell]]) -> None:
    runs = frames(ledger[0], "s", ledger[1]).runs
    assert list(runs.columns) == [
        "cell", "cell_key", "key", "replicate", "factor:init", "status", "nc_reason",
        "diverged_at_step", "test/accuracy", "validation/loss", "parameters", "multiply_adds",
        "torch", "commit", "dirty", "device", "gpu", "cpu", "cpu_capability", "data_digest", "seed",
    ]  # fmt: skip
    assert list(runs["status"]) == ["done"] * 3 + ["diverged", "failed"]
    assert list(runs["replicate"]) == [0, 1, 2, 0, 1]
    assert list(runs["factor:init"]) == ["he"] * 3 + ["xavier"] * 2
    assert runs["test/accuracy"].dtype == np.float64
    assert list(runs["test/accuracy"].isna()) == [False] * 3 + [True] * 2
    assert runs.loc[3, "nc_reason"] == "nonfinite"
    assert runs.loc[3, "diverged_at_step"] == 30
    assert (runs["seed"] == 7).all()
    assert (runs["torch"] == "2.6.0").all()
    backwards = frames(ledger[0], "s", ledger[1][::-1]).runs
    assert list(backwards["cell"]) == ["init=xavier"] * 2 + ["init=he"] * 3


def test_no_metric_may_be_called_what_runs_have_anyway(tmp_path: Path) -> None:
    assert set(frames(tmp_path, "s", []).runs) == set(NO_METRICS)


def test_epochs_leave_out_what_was_not_measured(ledger: tuple[Path, list[LedgerCell]]) -> None:
    epochs = frames(ledger[0], "s", ledger[1]).epochs
    assert len(epochs) == 3 * 3 + 1
    assert list(epochs.columns) == [
        "cell", "replicate", "step", "epoch", "lr", "train/loss", "validation/loss",
        "validation/accuracy",
    ]  # fmt: skip
    assert list(epochs["step"][:3]) == [0, 20, 40]
    last = epochs.iloc[-1]
    assert (last["cell"], last["train/loss"]) == ("init=xavier", 2.3)
    assert np.isnan(last["validation/loss"])


def test_layers_place_every_number_of_the_packed_arrays(
    ledger: tuple[Path, list[LedgerCell]],
) -> None:
    layers = frames(ledger[0], "s", ledger[1]).layers
    assert len(layers) == 3 * len(STEPS) * 3 * LAYERS
    probe = a_probe(1)
    for s, step in enumerate(STEPS):
        for q, quantity in enumerate(PROBED):
            for index in range(LAYERS):
                row = layers[
                    (layers["replicate"] == 1) & (layers["step"] == step)
                    & (layers["quantity"] == quantity) & (layers["layer"] == index + 1)
                ]  # fmt: skip
                assert len(row) == 1
                assert row["layer_name"].item() == f"layer{index + 1}"
                assert row["exponent"].item() == probe["exponents"][s, q, index]
                values = row[list(STATISTICS)].to_numpy()[0]
                np.testing.assert_array_equal(values, probe["statistics"][s, q, index])
                histogram = row["histogram"].iloc[0]
                if step == 1:
                    assert histogram is None
                else:
                    expected = probe["histograms"][[0, 40].index(step), q, index]
                    np.testing.assert_array_equal(histogram, expected)


def test_curves_are_block_means_on_common_blocks(ledger: tuple[Path, list[LedgerCell]]) -> None:
    curves = frames(ledger[0], "s", ledger[1]).curves
    losses = np.random.default_rng(0).random(500, dtype=np.float32).astype(np.float64)
    run = curves[(curves["cell"] == "init=he") & (curves["replicate"] == 0)]
    edges = curve_edges(500)
    expected = [losses[a:b].mean() for a, b in itertools.pairwise(edges)]
    # Sums in another order differ in the last bits.
    np.testing.assert_allclose(run["loss"], expected, rtol=1e-12)
    assert len(run) <= CURVE_POINTS
    assert run["step"].iloc[0] == 0
    # The run that ended at step 30 has the same blocks; only its last one is cut short.
    short = curves[curves["cell"] == "init=xavier"]
    assert (short["loss"] == 1).all()
    np.testing.assert_array_equal(short["step"][:-1], run["step"][: len(short) - 1])


@given(st.integers(0, 10**7))
def test_blocks_cover_every_step_once(steps: int) -> None:
    edges = curve_edges(steps)
    assert edges[0] == 0
    assert edges[-1] == steps
    assert (np.diff(edges) > 0).all()
    assert len(edges) - 1 <= CURVE_POINTS


def test_unfinished_stale_and_undeclared_runs_have_no_row(
    ledger: tuple[Path, list[LedgerCell]],
) -> None:
    root, cells = ledger
    (run_directory(root, "s", cells[0].slug, 0) / "result.json").unlink()
    keys = ("cell-he-0", "cell-he-1", "another key")
    stale = frames(root, "s", [a_cell("he", run_keys=keys)])
    assert list(stale.runs["replicate"]) == [1]
    assert set(stale.epochs["replicate"]) == {1}
    fewer = frames(root, "s", [a_cell("he", replicates=2)])
    assert list(fewer.runs["replicate"]) == [1]


def test_a_damaged_entry_is_named(ledger: tuple[Path, list[LedgerCell]]) -> None:
    root, cells = ledger
    path = run_directory(root, "s", cells[0].slug, 1) / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(LedgerError, match=r"init=he/1/arrays\.npz"):
        frames(root, "s", cells)


def test_tuning_runs_have_a_frame_of_their_own(tmp_path: Path) -> None:
    cell = a_cell("he", tuned="optimizer.lr", replicates=1)
    add_run(tmp_path, cell, 0)
    for lr in ("0.1", "0.01", "1.0"):
        for replicate in (1, 0):
            add_run(tmp_path, cell, replicate, branch=lr)
    found = frames(tmp_path, "s", [cell])
    assert list(found.runs["tuned:optimizer.lr"]) == [0.1]
    assert list(found.tuning.columns) == [
        "cell", "key", "value", "replicate", "status", "validation/loss", "validation/accuracy",
        "test/accuracy",
    ]  # fmt: skip
    assert list(found.tuning["value"]) == [0.01, 0.01, 0.1, 0.1, 1.0, 1.0]
    assert list(found.tuning["replicate"]) == [0, 1] * 3
    assert set(found.tuning["key"]) == {"optimizer.lr"}
    write_frames(found, tmp_path / "out")
    pd.testing.assert_frame_equal(read_frames(tmp_path / "out").tuning, found.tuning)
    cell = a_cell("he", replicates=1)
    write_frames(frames(tmp_path, "s", [cell]), tmp_path / "out")
    assert not (tmp_path / "out" / "tuning.parquet").exists()


def test_a_study_without_runs_has_typed_empty_frames(tmp_path: Path) -> None:
    empty = frames(tmp_path, "s", [a_cell("he")])
    write_frames(empty, tmp_path / "out")
    back = read_frames(tmp_path / "out")
    assert_equal(empty, back)
    assert back.epochs["train/loss"].dtype == np.float64
    assert all(getattr(back, field.name).empty for field in fields(Frames))


def test_calibration_bins_are_counted_where_labels_are_given(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 50)
    logits = (3 * rng.standard_normal((50, 4))).astype(np.float16)
    cell = a_cell("he")
    add_run(tmp_path, cell, 0, predictions=logits)
    add_run(tmp_path, cell, 1)
    assert frames(tmp_path, "s", [cell]).calibration.empty
    test_set = HeldOut(np.zeros((50, 3), np.float32), labels)
    wanted = frames(tmp_path, "s", [cell], ["calibration"], lambda config: test_set)
    read = wanted.calibration
    assert set(read["replicate"]) == {0}  # the other run has no predictions
    assert read["bin"].tolist() == list(range(15))
    p = np.exp(logits.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    for row in read.itertuples():
        inside = (confidence > row.bin / 15) & (confidence <= (row.bin + 1) / 15)
        assert row.count == inside.sum()
        assert row.correct == right[inside].sum()
        assert row.confidence == pytest.approx(confidence[inside].sum(), rel=1e-12)
    write_frames(wanted, tmp_path / "out")
    assert (tmp_path / "out" / "calibration.parquet").exists()
    assert read_frames(tmp_path / "out").calibration.equals(read)
    write_frames(frames(tmp_path, "s", [cell]), tmp_path / "out")
    assert not (tmp_path / "out" / "calibration.parquet").exists()


def test_examples_that_are_answered_right_are_kept_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    count, images = 77, rng.integers(0, 256, (77, 1, 2, 2), dtype=np.uint8)
    labels = rng.integers(0, 3, count)
    logits = rng.standard_normal((2, count, 3)).astype(np.float16)
    logits[0, 0] = 1.0  # of classes that tie the first counts
    cell = a_cell("he")
    for replicate in range(2):
        add_run(tmp_path, cell, replicate, predictions=logits[replicate])
    add_run(tmp_path, cell, 2, predictions=np.zeros(count, np.float16))  # no classes: own code
    sets = {"test_set": HeldOut(images, labels)}
    made = frames(tmp_path, "s", [cell], ["examples"], lambda config: sets["test_set"])
    assert made.examples["replicate"].tolist() == [0, 1]
    assert [len(packed) for packed in made.examples["correct"]] == [10, 10]
    write_frames(made, tmp_path / "out")
    assert (tmp_path / "out" / "examples.parquet").is_file()
    back = read_frames(tmp_path / "out")
    assert_equal(back, made)
    for replicate, row in enumerate(back.examples.to_dict("records")):
        assert np.array_equal(unpacked(row), logits[replicate].argmax(axis=1) == labels)
    assert unpacked(back.examples.iloc[0].to_dict())[0] == (labels[0] == 0)


def test_a_test_set_is_told_from_another_by_one_pixel_or_one_label() -> None:
    images = np.zeros((4, 1, 2, 2), np.uint8)
    labels = np.array([0, 1, 2, 3])
    other = images.copy()
    other[3, 0, 1, 1] = 1
    digests = [
        HeldOut(images, labels).digest,
        HeldOut(other, labels).digest,
        HeldOut(images, labels[::-1]).digest,
    ]
    assert len(set(digests)) == 3
    assert HeldOut(images.copy(), labels.copy()).digest == digests[0]
    # A number that is computed may differ in its last bit from processor to processor.
    numbers = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    moved = np.nextafter(numbers, np.float32(1))
    assert HeldOut(numbers, labels).digest == HeldOut(moved, labels).digest
