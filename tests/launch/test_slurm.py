"""The batch script of `launch=slurm`, and what is said where there is no SLURM."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ablate.cli import main
from ablate.config import Slurm
from ablate.launch import slurm
from ablate.launch.slurm import Array, ControllerAwayError, is_queued, script, submitted

STUDY = """\
question: Who trains it?
baseline: {data: synthetic}
factors: {width: {key: model.width, levels: [4, 8]}}
replicates: 2
report: [table]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(launch: Slurm, root: Path) -> list[str]:
    return script("mine", root, launch).splitlines()


def test_a_worker_begins_at_its_own_part_of_the_work(tmp_path: Path) -> None:
    *_, line = said(Slurm(name="slurm", workers=8, timeout=60), tmp_path)
    assert line.endswith(" --shard $SLURM_ARRAY_TASK_ID/8")
    assert f"-m ablate work mine --root {tmp_path} launch.timeout=60.0 launch.on_error" in line


def test_options_of_sbatch_pass_through_and_the_array_is_ours(tmp_path: Path) -> None:
    options = {
        "partition": "gpu", "time": "2:00:00", "gpus-per-task": 1, "cpus-per-task": 4,
        "requeue": True, "exclusive": False, "array": "0-99",
    }  # fmt: skip
    lines = said(Slurm(name="slurm", workers=2, sbatch=options), tmp_path)
    assert lines[:2] == ["#!/bin/sh", "#SBATCH --job-name=ablate-mine"]
    assert {line for line in lines if line.startswith("#SBATCH")} >= {
        "#SBATCH --partition=gpu", "#SBATCH --time=2:00:00", "#SBATCH --gpus-per-task=1",
        "#SBATCH --cpus-per-task=4", "#SBATCH --requeue", "#SBATCH --array=0-1",
    }  # fmt: skip
    assert not [line for line in lines if "exclusive" in line]


def test_the_script_is_valid_shell(tmp_path: Path) -> None:
    root = tmp_path / "a folder's name"
    done = subprocess.run(
        ["sh", "-n"], input=script("mine", root, Slurm(name="slurm")), text=True, check=False
    )
    assert done.returncode == 0


def test_it_is_printed_and_nothing_is_written(root: Path, capsys) -> None:
    words = ["sweep", "study=mine.yaml", "launch=slurm", "launch.print=true"]
    assert main([*words, "launch.sbatch={partition: gpu, gpus-per-task: 1}"]) == 0
    assert "#SBATCH --partition=gpu\n#SBATCH --gpus-per-task=1\n" in capsys.readouterr().out
    assert not (root / "runs").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["launch=slurmy"],
            "there is no launch 'slurmy'; allowed are futures, local, ray or slurm",
        ),
        (["launch.detach=true"], "launch 'local' has no 'detach'"),
        (["launch=slurm", "launch.workers=0"], "launch.workers=0 is not allowed"),
        (["launch=slurm", "launch.sbatch=gpu"], "launch.sbatch='gpu' is not allowed"),
        (["launch=slurm"], "launch=slurm is not possible here: there is no sbatch on the path"),
    ],
)
def test_slips(root: Path, monkeypatch, capsys, words: list[str], sentence: str) -> None:
    monkeypatch.setenv("PATH", str(root))
    assert main(["sweep", "study=mine.yaml", *words]) == 2
    assert sentence in capsys.readouterr().err


def answered(monkeypatch: pytest.MonkeyPatch, code: int, out: str, err: str) -> None:
    done = subprocess.CompletedProcess([], code, out, err)
    monkeypatch.setattr(slurm, "_asked", lambda *words: done)


@pytest.mark.parametrize(
    ("code", "out", "err", "queued"),
    [
        (0, "RUNNING\nPENDING\n", "", True),
        (0, "", "", False),
        (1, "", "slurm_load_jobs error: Invalid job id specified", False),
    ],
)
def test_an_array_is_in_the_queue(
    monkeypatch: pytest.MonkeyPatch, code: int, out: str, err: str, queued: bool
) -> None:
    answered(monkeypatch, code, out, err)
    assert is_queued(Array("7")) == queued


def test_no_answer_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for the end, it would submit a second array beside the first."""
    answered(monkeypatch, 1, "", "slurm_load_jobs error: Unable to contact slurm controller")
    with pytest.raises(ControllerAwayError, match=r"Unable to contact slurm controller\.$"):
        is_queued(Array("7"))
    folder = tmp_path / "runs" / "mine" / ".workers"
    folder.mkdir(parents=True)
    (folder / "slurm.json").write_text('{"job": "7"}')
    with pytest.raises(ControllerAwayError):
        submitted(tmp_path, "mine")


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", "\x00"])
def test_a_damaged_note_of_an_array_is_none(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "runs" / "mine" / ".workers"
    folder.mkdir(parents=True)
    (folder / "slurm.json").write_text(text)
    assert submitted(tmp_path, "mine") is None
