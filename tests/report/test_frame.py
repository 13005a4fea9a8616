from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from frames_for_tests import factor, make_study
from hypothesis import given
from hypothesis import strategies as st

import ablate
from ablate.config.validate import run_config
from ablate.errors import ConfigError, DataError
from ablate.metrics import NO_METRICS, PROBED, STATISTICS, parse
from ablate.records import Record
from ablate.report import ledger_frames, stored, thin
from ablate.report.frame import USUAL, Frames, as_table, read_frames, stored_frames, write_frames
from ablate.report.held_out import HeldOut, HeldOutReader, unpacked
from ablate.report.loss_blocks import CURVE_POINTS, curve_edges
from ablate.report.regenerate import write_ledger
from ablate.report.stored import Stored, taken
from ablate.report.thin import thinned, wanted
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.index import Index, write_index
from ablate.store.ledger import run_directory, write_failure, write_run
from ablate.study.claims import Effect, Rate
from ablate.study.items import ITEMS
from ablate.study.lockfile import Locked
from ablate.study.plan import Cell
from ablate.study.schema import Study

DIGITS = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
LAYERS, STEPS = 2, (0, 1, 40)
PROVENANCE = {
    "commit": "c0ffee", "dirty": False, "versions": {"torch": "2.6.0"}, "device": "cpu",
    "cpu": "a CPU", "data_digest": "abc", "seed": 7,
}  # fmt: skip


def frames(
    root: Path, study: str, cells: Sequence[LedgerCell], extras: Collection[str] = (),
    held_out: HeldOutReader | None = None,
) -> Frames:  # fmt: skip
    runs = ledger_frames.runs_of(root, study, cells)
    return ledger_frames.frames(root, study, runs, {*USUAL, *extras}, held_out)


def a_cell(init: str, **changes: Any) -> LedgerCell:
    values: dict[str, Any] = {
        "slug": f"init={init}", "name": init, "key": f"cell-{init}", "levels": {"init": init},
        "replicates": 3, "metric": "test/accuracy",
    }  # fmt: skip
    return LedgerCell(**(values | changes))


def a_probe(seed: int) -> Mapping[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    statistics = rng.random((len(STEPS), 3, LAYERS, 9))
    statistics[1, 2, 1, 3] = np.nan
    return {
        "layers": np.array(["layer1", "layer2"]),
        "steps": np.array(STEPS, dtype=np.int64),
        "statistics": statistics,
        "exponents": rng.integers(-9, 9, (len(STEPS), 3, LAYERS)).astype(np.int16),
        "histograms": rng.integers(0, 99, (2, 3, LAYERS, 130)).astype(np.uint32),
        "histogram_steps": np.array([0, 40]),
    }


def add_run(root: Path, cell: LedgerCell, replicate: int, branch: str = "", **changes: Any) -> Path:
    values: dict[str, Any] = {
        "metrics": {"test/accuracy": 0.9 + replicate / 100, "validation/loss": 0.5},
        "evaluations": tuple(
            {"step": 20 * e, "epoch": float(e), "lr": 0.1, "train/loss": 2.0 - e,
             "validation/loss": 2.5 - e, "validation/accuracy": 0.1 + 0.4 * e} for e in range(3)
        ),
        "evaluated_at": (0.0, 0.1, 0.2),
        "losses": np.random.default_rng(replicate).random(500, dtype=np.float32),
        "probe": a_probe(replicate),
        "parameters": 100, "multiply_adds": 90, "seconds": 1.0,
    }  # fmt: skip
    directory = run_directory(root, "s", cell.slug, replicate, branch)
    config = {"optimizer": {"name": "sgd", "lr": float(branch or 0.1)}}
    record = Record(**(values | changes))
    write_run(
        directory, record, config, f"{cell.key}-{replicate}", PROVENANCE, "2025-03-01T12:00:00Z"
    )
    return directory


@pytest.fixture
def ledger(tmp_path: Path) -> tuple[Path, list[LedgerCell]]:
    """Write a study of two cells with done, diverged, failed and missing runs."""
    cells = [a_cell("he"), a_cell("xavier")]
    for replicate in range(3):
        add_run(tmp_path, cells[0], replicate)
    add_run(
        tmp_path, cells[1], 0, nc_reason="nonfinite", diverged_at_step=30,
        metrics={}, losses=np.ones(31, np.float32), probe={},
        evaluations=({"step": 0, "epoch": 0.0, "lr": 0.1, "train/loss": 2.3},),
        evaluated_at=(0.0,),
    )  # fmt: skip
    directory = run_directory(tmp_path, "s", cells[1].slug, 1)
    write_failure(directory, "cell-xavier-1", "It broke.", "", {}, PROVENANCE, None)
    return tmp_path, cells


def test_runs_have_a_row_each_in_order_of_cells(ledger: tuple[Path, list[LedgerCell]]) -> None:
    runs = frames(ledger[0], "s", ledger[1]).runs
    assert list(runs.columns) == [
        "cell", "cell_key", "key", "replicate", "factor:init", "status", "nc_reason",
        "diverged_at_step", "test/accuracy", "validation/loss", "parameters", "multiply_adds",
        "torch", "commit", "dirty", "device", "cpu", "data_digest", "seed",
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


def test_the_same_ledger_gives_the_same_bytes_and_they_read_back(
    ledger: tuple[Path, list[LedgerCell]],
) -> None:
    root, cells = ledger
    first, second, third = root / "1", root / "2", root / "3"
    found = frames(root, "s", cells)
    write_frames(found, first)
    write_frames(frames(root, "s", cells), second)
    back = read_frames(first)
    write_frames(back, third)
    names = sorted(path.name for path in first.iterdir())
    assert names == ["curves.parquet", "epochs.parquet", "layers.parquet", "runs.parquet"]
    for name in names:
        content = (first / name).read_bytes()
        assert content == (second / name).read_bytes()
        assert content == (third / name).read_bytes()
    assert_equal(found, back)


@pytest.mark.parametrize(("at_once", "together"), [(200, 2**20), (1, 2**20), (1, 16)])
def test_what_is_written_as_it_is_read_is_what_is_kept_of_all(
    ledger: tuple[Path, list[LedgerCell]], monkeypatch: pytest.MonkeyPatch, at_once: int,
    together: int,
) -> None:  # fmt: skip
    root, cells = ledger
    items = (ITEMS["activation_distribution"](step="last"), ITEMS["loss_over_time"]())
    study = make_study(factor("init", ["he", "xavier"]), name="s", report=items)
    whole, parts = root / "whole", root / "parts"
    write_frames(thinned(frames(root, "s", cells, ["timings"]), study), whole)
    monkeypatch.setattr(ledger_frames, "_AT_ONCE", at_once)
    monkeypatch.setattr(stored, "_TOGETHER", together)
    monkeypatch.setattr(stored, "_GROUP", 10)
    parts.mkdir()
    runs = ledger_frames.runs_of(root, "s", cells)
    asked = wanted(study, cells, is_trained=True)

    def thin(some: Frames) -> Frames:
        return thinned(some, study)

    returned = ledger_frames.write_ledger_frames(parts, root, "s", runs, asked, thin)
    assert {path.name for path in parts.iterdir()} == {path.name for path in whole.iterdir()}
    if together > 16:  # else they are packed in groups
        for path in whole.iterdir():
            assert (parts / path.name).read_bytes() == path.read_bytes()
    assert_equal(read_frames(parts), read_frames(whole))
    assert_equal(returned, read_frames(whole))
    assert_equal(stored_frames(parts), read_frames(whole))


def test_of_what_is_stored_one_reads_the_rows_and_columns_that_one_asks_for(
    ledger: tuple[Path, list[LedgerCell]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, cells = ledger
    monkeypatch.setattr(stored, "_TOGETHER", 16)
    monkeypatch.setattr(stored, "_GROUP", 10)
    whole = frames(root, "s", cells)
    file = stored.TableFile(root / "layers.parquet")
    file.add(as_table("layers", taken(whole.layers)))
    file.close()
    assert pq.ParquetFile(root / "layers.parquet").num_row_groups > 3
    kept, columns = Stored(root / "layers.parquet"), ("replicate", "layer", "std")
    of_two = kept.of_cells({"init=he", "x"})
    for own in (kept, of_two, of_two.of_cells({"init=he"})):
        found = taken(own, columns, quantity=["activation"], step=[0, 40])
        assert list(found.columns) == list(columns)
        expected = taken(whole.layers, columns, quantity=["activation"], step=[0, 40])
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True))
    assert taken(of_two.of_cells({"x"}), columns).empty
    assert taken(kept, cell={"init=xavier"}).empty
    (root / "layers.parquet").write_bytes(b"PAR1")
    with pytest.raises(LedgerError, match=r"layers\.parquet is damaged"):
        taken(kept)


def test_of_many_runs_layers_and_curves_are_read_where_items_and_claims_need_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = [a_cell(init) for init in ("he", "xavier", "lecun")]
    inits = factor("init", ["he", "xavier", "lecun"])
    every = {cell.slug for cell in cells}
    items = (ITEMS["signal_by_layer"](only={"init": ["he"]}), ITEMS["table"]())
    asked = make_study(inits, report=items)
    assert set(wanted(asked, cells, is_trained=True)) == {*USUAL, "examples"}
    assert wanted(asked, cells, is_trained=True)["layers"] == every
    monkeypatch.setattr(thin, "_EVERY_CELL", 8)
    found = wanted(asked, cells, is_trained=True)
    assert found["layers"] == {"init=he"}
    assert found["curves"] == set()
    assert found["epochs"] == every
    assert wanted(asked, cells, is_trained=False)["layers"] == every
    said: dict[str, Any] = {"name": "c", "text": "It lives.", "at": {"init": ("lecun",)}}
    metric = parse("probe(activation/std, layer=1, step=0)")
    claim = Rate(metric=metric, expect="converges", rate=0.5, **said)
    probed = asked.model_copy(update={"claims": (claim,)})
    assert wanted(probed, cells, is_trained=True)["layers"] == {"init=he", "init=lecun"}
    curves = make_study(inits, report=[ITEMS["learning_curves"](only={"init": ["xavier"]})])
    assert wanted(curves, cells, is_trained=True)["curves"] == {"init=xavier"}


def test_loading_gives_the_frame_that_is_asked_for_from_ledger_or_report(
    ledger: tuple[Path, list[LedgerCell]],
) -> None:
    root, (cell, unfinished) = ledger
    write_index(root, "s", Index([cell]))
    whole = frames(root, "s", [cell])
    pd.testing.assert_frame_equal(ablate.load("s", root), whole.runs)
    for name in ("epochs", "layers", "curves", "tuning"):
        expected = taken(getattr(whole, name))
        pd.testing.assert_frame_equal(ablate.load("s", root, frame=name), expected)
    with pytest.raises(ConfigError, match=r"there is no frame 'layer'; allowed are runs, epochs"):
        ablate.load("s", root, frame="layer")
    write_index(root, "s", Index([cell, unfinished]))
    with pytest.raises(ConfigError, match="neither a finished sweep nor a report"):
        ablate.load("s", root)
    write_frames(whole, root / "reports" / "s")
    pd.testing.assert_frame_equal(ablate.load("s", root), whole.runs)
    pd.testing.assert_frame_equal(ablate.load("s", root, frame="curves"), taken(whole.curves))


def test_for_the_runs_alone_no_file_but_the_results_is_opened(
    ledger: tuple[Path, list[LedgerCell]],
) -> None:
    root, cells = ledger
    whole = frames(root, "s", cells)
    for path in (root / "runs").rglob("*"):
        if path.is_file() and path.name != "result.json":
            path.unlink()
    found = ledger_frames.frames(root, "s", ledger_frames.runs_of(root, "s", cells), ())
    pd.testing.assert_frame_equal(found.runs, whole.runs)
    assert found.epochs.empty


def test_a_study_without_runs_has_typed_empty_frames(tmp_path: Path) -> None:
    empty = frames(tmp_path, "s", [a_cell("he")])
    write_frames(empty, tmp_path / "out")
    back = read_frames(tmp_path / "out")
    assert_equal(empty, back)
    assert back.epochs["train/loss"].dtype == np.float64
    assert all(getattr(back, field.name).empty for field in fields(Frames))


def assert_equal(one: Frames, other: Frames) -> None:
    for field in fields(Frames):
        pair = (taken(getattr(which, field.name)) for which in (one, other))
        pd.testing.assert_frame_equal(*pair)


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


def test_without_the_data_a_report_keeps_no_answers_and_is_made_all_the_same(
    tmp_path: Path,
) -> None:
    cell = a_cell("he")
    add_run(tmp_path, cell, 0, predictions=np.zeros((4, 2), np.float16))
    inits = factor("init", ["he", "xavier"])
    wins = Effect(name="c", text="He wins.", compare=("init", "he", "xavier"), expect="greater")
    asked = make_study(inits, name="s", claims=(wins,))
    test_set = HeldOut(np.zeros((4, 3), np.float32), np.arange(4) % 2)

    def missing(config: Mapping[str, Any]) -> HeldOut:
        raise DataError("mnist is not there.")

    def written(study: Study, held_out: HeldOutReader) -> Frames:
        runs = ledger_frames.runs_of(tmp_path, "s", [cell])
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        cells = (Cell(cell.slug, cell.name, cell.key, {}, run_config(DIGITS)),)
        return write_ledger(tmp_path, Locked(study, cells, ""), runs, held_out, out)

    assert len(written(asked, lambda config: test_set).examples) == 1
    found = written(asked, missing)
    assert found.examples.empty
    assert len(found.runs) == 1
    on_loss = make_study(inits, name="s", claims=(wins,), metric="test/loss")
    assert written(on_loss, lambda config: test_set).examples.empty
    shown = on_loss.model_copy(update={"report": (ITEMS["reliability_diagram"](),)})
    with pytest.raises(DataError, match="mnist is not there"):
        written(shown, missing)


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
