"""What goes wrong around training costs the runs it hits and no other, and a second try repairs."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sweeping import REACH, command, runs_of, small, sweep

pytestmark = pytest.mark.long  # whole sweeps, a dozen

FAULTS = """\
question: What if it goes wrong?
baseline:
  data: synthetic
  trainer: {{_target_: mylab.faults.fit, repaired: {flag}}}
factors:
  how: {{key: trainer.how, levels: [well, raises, exits, ends, killed, memory, hangs]}}
replicates: 2
report: [table]
"""
#: Per fault what the console says of it, and what stands in the run's own log.
SAID = {
    "raises": ("trainer=mylab.faults.fit: RuntimeError: the loss went for a walk", "Traceback"),
    "exits": ("trainer=mylab.faults.fit: SystemExit: had enough", "Traceback"),
    "ends": ("the worker process ended with code 5", "code 5"),
    "killed": ("the worker process was ended by signal 9", "signal 9"),
    "memory": ("trainer=mylab.faults.fit: MemoryError", "Traceback"),
    "hangs": ("timeout after 12 s", "timeout"),
}


#: Python reads it as it starts, in every process of a sweep.
FULL = """\
import errno, os, pathlib
write = pathlib.Path.write_bytes
def write_bytes(self, content):
    if ".staged" in str(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
    return write(self, content)
pathlib.Path.write_bytes = write_bytes
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = small(tmp_path_factory.mktemp("swept"))
    shutil.copy(empty_mlflow, folder)
    code, output = sweep(folder)
    assert code == 0, output
    return folder


@pytest.fixture
def finished(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "copy"))


def test_every_way_to_go_wrong_costs_its_own_runs_alone(tmp_path: Path) -> None:
    flag = tmp_path / "repaired"
    (tmp_path / "mine.yaml").write_text(FAULTS.format(flag=flag))
    code, output = sweep(tmp_path, "launch.timeout=12")
    assert code == 1, output
    assert "12 runs failed" in output
    assert "Traceback" not in output
    for how, (said, logged) in SAID.items():
        assert output.count(f"failed how={how}: {said}") == 2, output
        logs = list(tmp_path.glob(f"runs/mine/how={how}-*/*/error.log"))
        assert len(logs) == 2
        assert all(logged in log.read_text() for log in logs), how
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("runs/mine/how=well-*/*/result.json")}
    assert len(before) == 2
    flag.touch()
    code, output = sweep(tmp_path)
    assert code == 0, output
    assert "14/14 runs" in output
    assert len(runs_of(tmp_path)) == 14
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_stop_on_error_starts_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FAULTS.format(flag=tmp_path / "repaired"))
    code, output = sweep(tmp_path, "launch.on_error=stop", "launch.workers=1")
    assert code == 1
    assert "1 runs failed" in output
    ended = [p.parent.parent.name[:9] for p in tmp_path.glob("runs/mine/*/*/result.json")]
    assert sorted(ended) == ["how=raise", "how=well-", "how=well-"]


def test_a_full_disk_ends_the_sweep_in_one_sentence(finished: Path) -> None:
    """In the workers no file of an entry can be written, as the system says it of a full disk."""
    expected = runs_of(finished)
    lost = sorted(finished.glob("runs/mine/*/0"))[:2]
    for folder in lost:
        shutil.rmtree(folder)
    (finished / "sitecustomize.py").write_text(FULL)
    reach = os.pathsep.join([str(finished), REACH])
    words = ("sweep", "study=mine.yaml", "launch.workers=1")
    process = command(*words, cwd=finished, reach=reach)
    output, _ = process.communicate(timeout=280)
    assert process.returncode == 1, output
    assert output.count("No space left on device") == 1
    assert "the same command goes on where there is room" in output
    assert "Traceback" not in output
    assert set(runs_of(finished)) == set(expected) - {f"{p.parent.name}/0" for p in lost}
    assert not list(finished.glob("runs/mine/*/.*"))  # nor is there half an entry
    (finished / "sitecustomize.py").unlink()
    code, output = sweep(finished)
    assert code == 0, output
    assert runs_of(finished) == expected


def test_a_folder_that_cannot_be_made_costs_its_own_run(finished: Path) -> None:
    expected = runs_of(finished)
    blocked = sorted(finished.glob("runs/mine/*/1"))[0]
    shutil.rmtree(blocked)
    blocked.write_text("a file in the way")
    code, output = sweep(finished)
    assert code == 1, output
    assert "failed" in output
    blocked.unlink()
    assert sweep(finished)[0] == 0
    assert runs_of(finished) == expected


def test_reports_that_cannot_be_written_cost_no_run(finished: Path) -> None:
    blocked = finished / "reports" / "mine"
    shutil.rmtree(blocked)
    blocked.write_text("a file in the way")
    code, output = sweep(finished)
    assert code == 1
    assert "the report is not written: " in output
    assert "ablate report mine makes it" in output
    blocked.unlink()
    made = command("report", "mine", cwd=finished)
    assert made.communicate()[0]
    assert made.returncode == 0
    assert (finished / "reports" / "mine" / "README.md").exists()


def test_damaged_entries_are_trained_again_and_no_others(finished: Path) -> None:
    expected = runs_of(finished)
    folders = sorted(finished.glob("runs/mine/*/[0-9]"))[:5]
    (folders[0] / "result.json").write_text('{"status": "done"')
    (folders[1] / "result.json").write_bytes(b"")
    for folder, name in zip(folders[2:4], ("arrays.npz", "metrics.jsonl"), strict=True):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
    (folders[4] / "arrays.npz").unlink()
    code, output = sweep(finished)
    assert code == 0, output
    assert "12/12 runs" in output
    assert "· 5 left" not in output.splitlines()[0]
    assert runs_of(finished) == expected
    moved = {path.name.rpartition("-")[2] for path in finished.glob("runs/.stale/mine/*/*")}
    assert "damaged" in moved
    assert len([path for path in finished.glob("runs/.stale/mine/*/*") if path.is_dir()]) == 5


def test_runs_left_open_in_mlflow_are_closed_at_the_next_start(finished: Path) -> None:
    """As a process leaves them that was killed after its last run, before the mirror's end."""
    from ablate.store.tracking import all_runs, open_store

    store = open_store(finished, "mine", "?")
    parent = next(r for r in all_runs(store) if r.data.tags.get("ablate.kind") == "cell")
    store.client.update_run(parent.info.run_id, status="RUNNING")
    half = {"ablate.kind": "replicate", "ablate.key": "half", "ablate.cell": "x"}
    store.client.create_run(store.experiment_id, tags=half)
    (finished / "runs" / "mine" / ".mirroring").touch()
    code, output = sweep(finished)
    assert code == 0
    assert "nothing to do" in output
    assert {run.info.status for run in all_runs(store)} == {"FINISHED"}
    assert len([r for r in all_runs(store) if r.data.tags.get("ablate.kind") == "replicate"]) == 12
    assert not (finished / "runs" / "mine" / ".mirroring").exists()


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # ended meanwhile
        return []


def _workers(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that were forked from the one that has made the imports."""
    return [worker for child in _children(process.pid) for worker in _children(child)]


@pytest.mark.parametrize(
    ("scales", "replicates", "kills"),
    [
        pytest.param(3, 8, 4, marks=pytest.mark.long),
        pytest.param(20, 10, 50, marks=pytest.mark.slow),
    ],
    ids=["24 runs, 4 kills", "200 runs, 50 kills"],
)
@pytest.mark.timeout(3600)
def test_random_kills_change_no_result(
    tmp_path: Path, scales: int, replicates: int, kills: int
) -> None:
    """Workers, and one time in three the sweep itself, die by SIGKILL at random moments."""
    calm = small(tmp_path / "calm", scales, replicates, epochs=20)
    stormy = small(tmp_path / "stormy", scales, replicates, epochs=20)
    assert sweep(calm)[0] == 0
    rng = random.Random(kills)
    left = kills
    for _ in range(20 * kills):
        process = command("sweep", "study=mine.yaml", cwd=stormy)
        while left and process.poll() is None:
            time.sleep(rng.uniform(0.2, 1.5))
            workers = _workers(process)
            if process.poll() is not None or not workers:
                continue
            left -= 1
            if rng.random() < 1 / 3:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                try:
                    os.kill(rng.choice(workers), signal.SIGKILL)
                except ProcessLookupError:
                    left += 1
        output, _ = process.communicate(timeout=300)
        if process.returncode == 0 and left:  # all done too soon: lose some and go on
            for path in list(stormy.glob("runs/mine/*/*/result.json"))[::2]:
                path.unlink()
        elif process.returncode == 0:
            break
        assert process.returncode in (0, 1, -signal.SIGKILL), output
    assert left == 0
    assert process.returncode == 0
    expected = runs_of(calm)
    assert len(expected) == scales * replicates
    assert runs_of(stormy) == expected
    reports = [(f / "reports" / "mine" / "table-1.csv").read_bytes() for f in (calm, stormy)]
    assert reports[0] == reports[1]
