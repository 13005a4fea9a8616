"""How runs become jobs: stacks, blocks, and the order they are begun in."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.device import gpus_of, worker_count
from ablate.launch.job import Job, Task
from ablate.launch.jobs import in_blocks, is_exact, jobs_agreed_on, jobs_of, stack_limit
from ablate.launch.missing import Work

BASE = {
    "data": {"name": "synthetic", "train_examples": 300, "validation_size": 50},
    "model": {"name": "mlp", "depth": 1, "width": 8},
    "optimizer": {"name": "sgd", "lr": 0.1},
}
OWN = {"_target_": "mylab.nets.Net"}
DROPS = {**OWN, "dropout": 0.5}
BRANCHES = {"_target_": "mylab.nets.Undecided"}


def tasks(replicates) -> tuple[Task, ...]:
    return tuple(Task(r, f"key{r}", Path(f"/nowhere/{r}")) for r in replicates)


def work(name: str, missing: int = 8, runs: int = 8, **changes) -> Work:
    return Work(name, run_config({**BASE, **changes}), tasks(range(runs)), tasks(range(missing)))


def shapes(jobs: list[Job]) -> list[tuple[str, int]]:
    return [(job.name, len(job.tasks)) for job in jobs]


@pytest.mark.parametrize(
    ("stack", "model", "device", "limit"),
    [("auto", {"name": "mlp"}, "cpu", 8), ("auto", {"name": "cnn"}, "cpu", 1),
     ("auto", {"name": "cnn"}, "cuda", 8), ("off", {"name": "mlp"}, "cpu", 1),
     (3, {"name": "cnn"}, "cpu", 3), ("auto", OWN, "cpu", 1), ("auto", OWN, "cuda", 8),
     (4, OWN, "cpu", 4), ("auto", DROPS, "cuda", 1), (4, BRANCHES, "cpu", 1)],
)  # fmt: skip
def test_stack_limit(stack, model, device, limit) -> None:
    config = run_config({**BASE, "model": model, "trainer": {"stack": stack}})
    assert stack_limit(config, device) == limit


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer": {"precision": "bf16"}},
        {"loss": {"_target_": "mylab.parts.focal", "gamma": 1.0}},
        {"optimizer": {"_target_": "mylab.parts.SignDescent", "lr": 0.01}},
        {"optimizer": {"name": "lbfgs"}},
        {"schedule": {"name": "plateau"}},
    ],
    ids=["autocast", "a loss", "an optimizer", "a line search", "rates of its own"],
)
def test_what_knows_of_one_network_at_a_time_trains_alone(changes) -> None:
    assert stack_limit(run_config({**BASE, "model": OWN, **changes}), "cuda") == 1


@pytest.mark.parametrize("model", [DROPS, BRANCHES], ids=["random numbers", "a branch"])
def test_modules_that_cannot_be_stacked_are_shared_among_the_workers(model) -> None:
    """Eight replicates on a GPU were one job, which trained them one by one."""
    several = work("a", missing=3, model=model)
    jobs = jobs_of([several], Path("/nowhere"), "cuda", workers=2)
    assert [[t.replicate for t in job.stack] for job in jobs] == [[0], [1], [2]]


def test_as_many_workers_as_cores_but_two_on_a_gpu(monkeypatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)))
    for name in ("SLURM_CPUS_PER_TASK", "NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC"):
        monkeypatch.delenv(name, raising=False)
    assert [worker_count(None, "cpu"), worker_count(None, "cuda"), worker_count(5, "cuda")] == [
        16, 2, 5,
    ]  # fmt: skip
    assert [worker_count(None, "cuda", gpus) for gpus in (1, 4, 10)] == [2, 8, 16]


@pytest.mark.parametrize(
    ("visible", "asked", "names"),
    [
        ("", None, ["0", "1", "2"]),
        ("", [2, 0], ["2", "0"]),
        ("4,5,6", None, ["4", "5", "6"]),
        ("4,GPU-8f2a,6", [1], ["GPU-8f2a"]),
    ],
)
def test_gpus_are_those_that_this_process_sees(monkeypatch, visible, asked, names) -> None:
    monkeypatch.setattr("ablate.launch.device._gpu_count", lambda: 3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_of(asked) == names
    with pytest.raises(
        ConfigError, match=r"launch.devices=\[3\] is not allowed: here is GPUs 0 to 2"
    ):
        gpus_of([3])


@pytest.mark.parametrize("name", ["SLURM_CPUS_PER_TASK", "NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC"])
def test_a_scheduler_says_how_many_cores_are_ours(monkeypatch, name: str) -> None:
    """On a node of 128 cores a job of four would start 128 workers."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(128)))
    for text, cores in (("4", 4), ("1000", 128), ("four", 128)):
        monkeypatch.setenv(name, text)
        assert worker_count(None, "cpu") == cores


def test_only_fully_connected_networks_on_a_cpu_may_be_grouped_at_will() -> None:
    mlp, cnn = (run_config({**BASE, "model": {"name": name}}) for name in ("mlp", "cnn"))
    assert [is_exact(mlp, "cpu"), is_exact(mlp, "cuda"), is_exact(cnn, "cpu")] == [
        True,
        False,
        False,
    ]
    assert not is_exact(run_config({**BASE, "model": OWN}), "cpu")


@given(st.sets(st.integers(0, 30), min_size=1), st.data(), st.integers(1, 9))
def test_a_block_that_misses_a_run_trains_again_as_a_whole(replicates, draw, limit) -> None:
    """What trains together depends on the plan alone, never on which runs are missing."""
    all_of_them = tasks(sorted(replicates))
    missing = draw.draw(st.lists(st.sampled_from(all_of_them), unique=True))
    fresh = {frozenset(lost) for lost, _ in in_blocks(all_of_them, all_of_them, limit)}
    again = in_blocks(all_of_them, missing, limit)
    assert {frozenset(lost + there) for lost, there in again} <= fresh
    assert sorted((t.replicate for lost, _ in again for t in lost)) == sorted(
        t.replicate for t in missing
    )
    for lost, there in again:
        assert len({t.replicate // limit for t in lost + there}) == 1


def test_where_bits_do_not_depend_on_it_only_what_is_missing_trains() -> None:
    exact = work("a", missing=3)
    (job,) = jobs_of([exact], Path("/nowhere"), "cpu", workers=1)[:1]
    assert not job.beside
    (job,) = jobs_of([exact], Path("/nowhere"), "cuda", workers=1)
    assert [t.replicate for t in job.tasks] == [0, 1, 2]
    assert [t.replicate for t in job.stack] == list(range(8))


def test_stacks_are_even_and_the_last_ones_are_shared_out() -> None:
    def found(works: list[Work], workers: int, device: str = "cpu") -> list[tuple[str, int]]:
        return shapes(jobs_of(works, Path("/nowhere"), device, workers))

    three = [work(name) for name in "abc"]
    assert found(three, 2) == [("a", 8), ("b", 8), ("c", 4), ("c", 4)]
    assert found(three, 3) == [("a", 8), ("b", 8), ("c", 8)]
    assert found([work("a", 10, 10)], 2) == [("a", 5), ("a", 5)]
    assert found([work("a")], 16) == [("a", 1)] * 8
    assert found([work("a")], 2, "cuda") == [("a", 8)]
    images = {**BASE["data"], "shape": [1, 8, 8]}
    assert found([work("a", data=images, model={"name": "cnn"})], 2) == [("a", 1)] * 8
    assert found([work("a", missing=0)], 2) == []


def test_the_longest_jobs_come_first_and_equals_as_declared() -> None:
    wide = {"name": "mlp", "depth": 1, "width": 64}
    works = [
        work("small"), work("wide", model=wide), work("same"),
        work("long", trainer={"epochs": 50}), work("own", model=OWN),
    ]  # fmt: skip
    jobs = jobs_of(works, Path("/nowhere"), "cuda", workers=1)
    assert [job.name for job in jobs] == ["own", "long", "wide", "small", "same"]


@given(st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)), st.integers(0, 6))
def test_two_that_come_at_different_times_have_the_same_jobs(earlier, later, part) -> None:
    """What one of them still finds to do are the jobs that the other found, or what is left."""
    missing = tuple(task for task in tasks(range(20)) if task.replicate in earlier)
    fewer = tuple(task for task in missing if task.replicate in later)
    for model in ({"name": "mlp", "depth": 1}, {"name": "mlp", "depth": 2}):
        config = run_config({**BASE, "model": model})
        for device in ("cpu", "cuda"):
            both = [
                jobs_agreed_on(
                    [Work("a", config, tasks(range(20)), there)], Path("/nowhere"), device, shard
                )
                for there, shard in ((missing, Fraction()), (fewer, Fraction(part, 7)))
            ]
            of_task = {task: job for job in both[0] for task in job.tasks}
            assert {t.replicate for job in both[0] for t in job.tasks} == earlier
            assert {t for job in both[1] for t in job.tasks} == {*fewer}
            for job in both[1]:
                (same,) = {id(of_task[task]): of_task[task] for task in job.tasks}.values()
                if device == "cuda":
                    assert job.stack == same.stack
