"""Passwords come from the environment, and go nowhere but to whom they are for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from servers import PASSWORD, Postgres, Tracker
from sweeping import command, small

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
SECRETS = {"MLFLOW_TRACKING_USERNAME": "somebody-of-the-lab", "MLFLOW_TRACKING_PASSWORD": PASSWORD}


def check_nowhere(root: Path, *texts: str) -> None:
    """Assert that no file below `root`, its name included, and no text has the secrets."""
    files = [path for path in root.rglob("*") if path.is_file()]
    assert any("result.json" in path.name for path in files)
    assert any("index.html" in path.name for path in files)
    for secret in (PASSWORD, SECRETS["MLFLOW_TRACKING_USERNAME"]):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
        assert [path for path in files if secret in str(path)] == []
        assert [text for text in texts if secret in text] == []


def swept(root: Path, *words: str) -> str:
    with command("sweep", "study=mine.yaml", *words, cwd=root) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


@pytest.mark.parametrize("through", ["a database", "a server", "a server, in its address"])
def test_a_sweep_leaves_no_password_anywhere(
    postgres: Postgres,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    through: str,
    request: pytest.FixtureRequest,
) -> None:
    small(tmp_path, scales=2, replicates=2)
    address = database
    if through != "a database":
        tracker: Tracker = request.getfixturevalue("tracker")
        address = tracker.address
    if through == "a server":
        for name, secret in SECRETS.items():
            monkeypatch.setenv(name, secret)
    if through == "a server, in its address":
        user = SECRETS["MLFLOW_TRACKING_USERNAME"]
        address = address.replace("//", f"//{user}:{PASSWORD}@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    output = swept(tmp_path)
    assert "MLflow" not in output
    check_nowhere(tmp_path, output, postgres.dump(database.rpartition("/")[2]))


@pytest.mark.parametrize("wrong", ["nobody listens", "another password", "no such database"])
def test_what_goes_wrong_is_told_without_one(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    small(tmp_path, scales=2, replicates=2)
    start, _, name = database.rpartition("/")
    address = {
        "nobody listens": f"{start.rpartition(':')[0]}:9/{name}",
        "another password": database.replace(PASSWORD, f"{PASSWORD}er"),
        "no such database": f"{start}/no_such_runs",
    }[wrong]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    output = swept(tmp_path)
    assert output.count("`ablate sync`") == 1
    assert "***@127.0.0.1" in output
    check_nowhere(tmp_path, output)
    assert os.environ["MLFLOW_TRACKING_URI"] == address
