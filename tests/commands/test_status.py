"""`ablate status` and `ablate studies`: counts by state, for people and for programs."""

import json
import os
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.store.journal import journal
from ablate.store.lock import lock


def test_every_state_is_counted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    narrow, _ = sorted(root.glob("runs/wide/width=*"))
    words = ["status", "wide", "--root", str(root)]
    assert main(words) == 0
    assert capsys.readouterr().out.split(maxsplit=1) == [
        "wide", "4 runs: 4 done, 0 n/c, 0 failed, 0 running, 0 missing, 0 stale\n",
    ]  # fmt: skip
    (narrow / "0" / "result.json").unlink()
    (narrow / "1" / "result.json").write_text("{")
    with lock(root, "wide"), journal(root, "wide") as ours:
        ours.begun([f"{narrow.name}/0", "members/seeds/0/0"])
        ours.ended("members/seeds/0/0", "done")
        assert main([*words, "--json"]) == 0
        (counts,) = json.loads(capsys.readouterr().out)
        assert main(words) == 0
        (_, said) = capsys.readouterr().out.splitlines()
    assert counts.pop("process") == os.getpid()
    (worker,) = counts.pop("workers")
    assert (worker["process"], worker["ended"]) == (os.getpid(), 1)
    assert worker["running"] == [f"{narrow.name}/0"]
    assert said.endswith(f"(process {os.getpid()}): 1 runs ended, now {narrow.name}/0")
    assert counts == {
        "study": "wide", "runs": 4, "done": 2, "not_converged": 0, "failed": 0, "running": 1,
        "missing": 0, "stale": 0, "damaged": 1,
    }  # fmt: skip
    assert main(words) == 0
    assert "1 missing, 0 stale, 1 damaged\n" in capsys.readouterr().out


def test_studies_say_how_far_they_are(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = root / "conf" / "study"
    folder.mkdir(parents=True)
    (root / "wide.yaml").rename(folder / "wide.yaml")
    assert main(["studies", "--root", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "wide             4/4 runs       Does width matter?" in lines
    assert any(line.startswith("quickstart       not swept ") for line in lines)
    assert main(["studies", "--root", str(root), "--json"]) == 0
    rows = {row["study"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["wide"]["status"]["done"] == 4
    assert rows["quickstart"]["status"] is None


def test_what_there_is_not_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 0
    assert capsys.readouterr().out == "no runs yet; start with: ablate sweep study=quickstart\n"
    assert main(["status", "--root", "else where"]) == 0
    assert "study=quickstart --root 'else where'\n" in capsys.readouterr().out
    assert main(["status", "wide"]) == 2
    assert "study 'wide' has no runs here; there are no runs yet." in capsys.readouterr().err


def test_an_altered_number_is_said_and_reported_by_nobody(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(root.glob("runs/wide/width=*/0/result.json"))
    fields = json.loads(path.read_text())
    fields["metrics"]["test/accuracy"] = 0.999
    path.write_text(json.dumps(fields))
    assert main(["status", "wide", "--root", str(root)]) == 0
    assert "4 runs: 3 done, " in (said := capsys.readouterr().out)
    assert said.endswith("1 damaged\n")
    assert main(["report", "wide", "--root", str(root)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"ablate: {path} is damaged: ")
    assert "bug" not in said
    assert not list(root.glob("reports/wide/*.md"))
