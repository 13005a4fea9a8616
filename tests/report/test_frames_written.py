"""Frames that are written, and read back as asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from frames_for_tests import factor, make_study
from small_ledger import DIGITS, a_cell, add_run, assert_equal, frames

import ablate
from ablate.config.validate import run_config
from ablate.errors import ConfigError, DataError
from ablate.metrics import parse
from ablate.report import ledger_frames, stored, thin
from ablate.report.frame import USUAL, Frames, as_table, read_frames, stored_frames, write_frames
from ablate.report.held_out import HeldOut, HeldOutReader
from ablate.report.regenerate import write_ledger
from ablate.report.stored import Stored, taken
from ablate.report.thin import thinned, wanted
from ablate.store.cell import LedgerCell
from ablate.store.files import LedgerError
from ablate.store.index import Index, write_index
from ablate.study.claims import Effect, Rate
from ablate.study.items import ITEMS
from ablate.study.lockfile import Locked
from ablate.study.plan import Cell
from ablate.study.schema import Study


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
