"""`ablate ui`: what cannot be shown is one sentence, before any server starts."""

import socket
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.commands.ui import _repeat


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999"])
def test_a_port_that_is_none(root: Path, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", f"--port={port}", "--root", str(root)]) == 2
    said = f"ablate: --port={port} is not allowed; allowed are 1 to 65535.\n"
    assert capsys.readouterr().err == said


def test_a_damaged_store(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "mlflow.db").write_bytes(bytes(range(1, 256)) * 20)
    for words in ([], ["wide"]):
        assert main(["ui", *words, "--root", str(root)]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"ablate: MLflow's store {root / 'mlflow.db'} cannot be used: ")
        assert said.count("\n") == 1


def test_a_servers_own_pages_are_named_without_its_password(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "http://user:hunter2secret@127.0.0.1:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("ablate.commands.ui.find_experiment", lambda *_: "7")
    assert main(["ui", "wide", "--root", str(root)]) == 0
    assert capsys.readouterr().out.startswith("open http://***@127.0.0.1:9/#/experiments/7/runs?")

    def refuse(*_: object) -> None:
        raise OSError(f"{uri} refuses")

    monkeypatch.setattr("ablate.commands.ui.find_experiment", refuse)
    assert main(["ui", "--root", str(root)]) == 1
    assert capsys.readouterr().err == (
        "ablate: MLflow is not reachable: OSError: http://***@127.0.0.1:9 refuses; "
        "`ablate sync` brings it up to date.\n"
    )


def test_a_port_that_is_taken(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "mlflow.db").touch()
    monkeypatch.setattr("ablate.commands.ui.find_experiment", lambda *_: "7")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert main(["ui", f"--port={port}", "--root", str(root)]) == 2
    assert "something listens there already" in capsys.readouterr().err


def test_what_the_server_says_is_passed_on_without_noise_and_passwords(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _repeat(
        [
            "Registry store URI not provided. Using backend store URI.\n",
            "[MLflow] Security middleware enabled with default settings (localhost-only).\n",
            "ERROR: no answer from postgresql://me:hunter2secret@db/runs\n",
        ]
    )
    assert capsys.readouterr() == ("", "ERROR: no answer from postgresql://***@db/runs\n")
