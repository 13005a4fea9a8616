"""Workers that pull: several processes train one declared study, each run once, and lose nothing."""

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from sweeping import REACH, command, runs_of, small, sweep
from warm import ablate

from waiting import until

FOREVER = """\
question: Does it stop?
baseline:
  data: synthetic
  trainer: {{_target_: mylab.faults.fit, repaired: {repaired}}}
factors: {{how: {{key: trainer.how, levels: [well, hangs]}}}}
replicates: 4
report: [table]
"""


def declare(folder: Path, *words: str) -> None:
    done = ablate("sweep", "study=mine.yaml", "--declare", *words, cwd=folder, PYTHONPATH=REACH)
    assert done.returncode == 0, done.stderr
    assert "declared: ablate work mine trains it" in done.stdout


def worker(folder: Path, *words: str) -> subprocess.Popen[str]:
    return command("work", "mine", "launch.workers=1", *words, cwd=folder)


def ended(folder: Path) -> Counter[str]:
    """Return how often each run has ended, by all journals."""
    lines = [
        json.loads(line)
        for path in folder.glob("runs/mine/.workers/*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return Counter(line["ended"] for line in lines if "ended" in line)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small(tmp_path_factory.mktemp("calm"), 4, 3, epochs=20)
    code, output = sweep(folder)
    assert code == 0, output
    return folder


@pytest.mark.long
def test_two_workers_share_a_study_and_train_every_run_once(calm: Path, tmp_path: Path) -> None:
    folder = small(tmp_path, 4, 3, epochs=20)
    declare(folder)
    assert runs_of(folder) == {}
    shards = [worker(folder, "--shard", f"{k}/2") for k in range(2)]
    for process in shards:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert "all 12 runs are in the ledger; ablate report mine tells" in output
    assert runs_of(folder) == runs_of(calm)
    assert set(ended(folder).values()) == {1}
    assert len(list(folder.glob("runs/mine/.workers/*.jsonl"))) == 2
    assert list(folder.glob("runs/mine/.claims/*")) == []
    made = ablate("report", "mine", cwd=folder)
    assert made.returncode == 0, made.stderr
    tables = [(f / "reports" / "mine" / "table-1.csv").read_bytes() for f in (calm, folder)]
    assert tables[0] == tables[1]


@pytest.mark.long
def test_two_parts_in_folders_of_their_own_are_merged(calm: Path, tmp_path: Path) -> None:
    """Nothing is shared: machines that see no common folder, until a copy of each lies here."""
    roots = [small(tmp_path / name, 4, 3, epochs=20) for name in ("first", "second")]
    for number, root in enumerate(roots):
        declare(root)
        output, _ = (process := worker(root, "--part", f"{number}/2")).communicate(timeout=300)
        assert process.returncode == 0, output
        assert "all 6 runs of this part are there" in output
        assert len(runs_of(root)) == 6
    merged = ablate("merge", "../second", cwd=roots[0])
    assert merged.returncode == 0, merged.stderr
    assert runs_of(roots[0]) == runs_of(calm)
    code, output = sweep(roots[0])
    assert code == 0, output
    assert "nothing to do: all 12 runs are in the ledger" in output


@pytest.mark.long
def test_a_sweep_and_a_worker_share_the_work_too(calm: Path, tmp_path: Path) -> None:
    folder = small(tmp_path, 4, 3, epochs=20)
    declare(folder)
    helper = worker(folder, "--shard", "1/2")
    code, output = sweep(folder, "launch.workers=1")
    assert code == 0, output
    output, _ = helper.communicate(timeout=300)
    assert helper.returncode == 0, output
    assert runs_of(folder) == runs_of(calm)
    assert max(ended(folder).values()) == 1


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked to end"])
def test_what_a_worker_leaves_another_takes_at_once(tmp_path: Path, how: signal.Signals) -> None:
    """The first hangs in its second job; none of its claims keeps the second one waiting."""
    repaired = tmp_path / "repaired"
    (tmp_path / "mine.yaml").write_text(FOREVER.format(repaired=repaired))
    declare(tmp_path)
    first = worker(tmp_path, "--shard", "1/2")
    journals = lambda: "".join(p.read_text() for p in tmp_path.glob("runs/mine/.workers/*"))  # noqa: E731
    until(lambda: '"begun": ["how=hangs-' in journals(), "a run that hangs")
    at_work = ablate("status", "mine", "--json", cwd=tmp_path)
    (status,) = json.loads(at_work.stdout)
    assert status["running"] == 1
    assert [one["process"] for one in status["workers"]] == [first.pid]
    repaired.touch()  # for those who begin from now on
    if how == signal.SIGKILL:
        os.killpg(first.pid, how)
    else:
        first.send_signal(how)
    output, _ = first.communicate(timeout=60)
    assert first.returncode == (130 if how == signal.SIGTERM else -how), output
    second = worker(tmp_path)
    output, _ = second.communicate(timeout=110)  # less than a claim of another machine holds
    assert second.returncode == 0, output
    assert len(runs_of(tmp_path)) == 8
    assert max(ended(tmp_path).values()) == 1


@pytest.mark.long
def test_a_failed_run_is_tried_by_one_worker_and_again_by_a_later_one(tmp_path: Path) -> None:
    repaired = tmp_path / "repaired"
    text = FOREVER.format(repaired=repaired).replace("hangs", "raises")
    (tmp_path / "mine.yaml").write_text(text)
    declare(tmp_path)
    both = [worker(tmp_path, "--shard", f"{k}/2") for k in range(2)]
    for process in both:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert "runs failed; error.log in the folder of each says why" in output
    repaired.touch()
    later = worker(tmp_path)
    output, _ = later.communicate(timeout=300)
    assert later.returncode == 0, output
    assert len(runs_of(tmp_path)) == 8


@pytest.mark.long
def test_what_has_changed_since_it_was_declared_is_refused(tmp_path: Path) -> None:
    """A worker that starts hours later must not give an old key to the numbers of new code."""
    code = tmp_path / "own.py"
    code.write_text("def fit(config, data, streams, level=0):\n    return {'test/accuracy': 0.5}\n")
    (tmp_path / "mine.yaml").write_text(
        "question: Is it new?\n"
        "baseline: {data: synthetic, trainer: {_target_: own.fit}}\n"
        "factors: {level: {key: trainer.level, levels: [0, 1]}}\n"
        "replicates: 2\n"
        "report: [table]\n"
    )
    declare(tmp_path)
    code.write_text(code.read_text().replace("0.5", "0.6"))
    done = ablate("work", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "study 'mine' has changed since it was declared: here level=0 would be" in done.stderr
    assert runs_of(tmp_path) == {}
    declare(tmp_path)
    assert ablate("work", "mine", cwd=tmp_path).returncode == 0
    assert len(runs_of(tmp_path)) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mine"], "study 'mine' is not declared in "),
        (
            ["mine", "--shard", "2/2"],
            "--shard 2/2 is not allowed: write K/N with K from 0 to N - 1",
        ),
        (["mine", "--part", "1/1"], "--part 1/1 is not allowed"),
        (["mine", "--shard", "half"], "--shard half is not allowed"),
        (
            ["mine", "optimizer.lr=1"],
            "'optimizer.lr=1' is not allowed: what is trained was declared",
        ),
        (["mine", "launch.workers=0"], "launch.workers=0 is not allowed"),
        (["mine", "launch.worker=1"], "launch.worker"),
        (["../mine"], "is no name of a study"),
    ],
)
def test_slips(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = ablate("work", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (tmp_path / "runs").exists()


def test_what_is_declared_for_a_gpu_is_not_trained_without_one(tmp_path: Path) -> None:
    """A login node has none, and has to write down the keys of one."""
    small(tmp_path, 2, 2)
    done = ablate("sweep", "study=mine.yaml", "--declare", "trainer.device=cuda", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "for cuda" in done.stdout
    done = ablate("work", "mine", cwd=tmp_path)
    assert done.returncode == 2
    assert "study 'mine' was declared for cuda, and here is no CUDA device." in done.stderr
