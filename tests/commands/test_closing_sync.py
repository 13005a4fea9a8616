"""At its end a sweep brings MLflow up to the ledger, whatever its live mirror has met."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ablate.cli import main
from ablate.store.live import LiveMirror, mirroring
from ablate.store.tracking import all_runs, open_store

WORDS = ["run", "data=digits", "data.train_size=200", "trainer.epochs=1", "launch.workers=1"]


def away(*_: Any) -> None:
    raise OSError("no route to host")


@pytest.mark.long
def test_what_the_mirror_missed_is_there_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ablate.store.live.open_store", away)
    assert main(WORDS) == 0
    assert "MLflow" not in capsys.readouterr().out
    runs = all_runs(open_store(tmp_path, "run", "?"))
    assert sorted(run.data.tags["ablate.kind"] for run in runs) == ["cell", "replicate"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert not mirroring(tmp_path, "run").exists()


def test_a_store_that_stays_away_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("live", "sync"):
        monkeypatch.setattr(f"ablate.store.{module}.open_store", away)
    assert main(WORDS) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("MLflow is not reachable: OSError: no route to host; `ablate sync`") == 1
    assert said.count("MLflow") == 1
    assert mirroring(tmp_path, "run").exists()


def test_beside_a_call_that_still_hangs_nobody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may come to its end after all, and what both have written would be there twice."""
    answer, hung, synced = threading.Event(), list[LiveMirror](), list[Any]()

    class Impatient(LiveMirror):
        def close(self, timeout: float = 0.05) -> str | None:
            hung.append(self)
            return super().close(timeout)

    def hangs(*_: Any) -> None:
        answer.wait()
        raise OSError("too late")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ablate.store.live.open_store", hangs)
    monkeypatch.setattr("ablate.commands.sweep.LiveMirror", Impatient)
    monkeypatch.setattr("ablate.commands.sweep.sync_study", lambda *asked: synced.append(asked))
    try:
        assert main(WORDS) == 0
    finally:
        answer.set()
    assert synced == []
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("MLflow is not reachable: no answer within 0.05 s; `ablate sync`") == 1
    hung[0]._thread.join()
