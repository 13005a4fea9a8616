"""`ablate run` of one cell shows its result first; MLflow catches up, and loses nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.store.live import mirroring
from ablate.store.tracking import all_runs, open_store

WORDS = ["data=digits", "data.train_size=200", "trainer.epochs=1", "launch.workers=1"]


@pytest.mark.long
@pytest.mark.parametrize("how", ["run", "sync"])
def test_the_result_is_there_before_mlflow_is_and_a_kill_in_between_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # it takes calls and answers none
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-m", "ablate", "run", *WORDS],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "MLFLOW_TRACKING_URI": address},
        ) as process:  # fmt: skip
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "test/accuracy" in line:
                    break
            assert process.poll() is None
            process.send_signal(signal.SIGKILL)
    assert "test/accuracy" in lines[-1]
    assert mirroring(tmp_path, "run").exists()

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["run", *WORDS] if how == "run" else ["sync"]) == 0
    said = capsys.readouterr().out
    assert ("nothing to do" if how == "run" else "run: 1 written") in said
    assert not mirroring(tmp_path, "run").exists()
    runs = all_runs(open_store(tmp_path, "run", "?"))
    assert sorted(run.data.tags["ablate.kind"] for run in runs) == ["cell", "replicate"]
    assert {run.info.status for run in runs} == {"FINISHED"}
