"""How runs are grouped into jobs, and which job comes first."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.launch.job import Job, Task
from ablate.launch.missing import Work
from ablate.launch.pace import training_cost

#: Replicates trained as one program by `trainer.stack=auto`.
AUTO_STACK = 8

#: Runs to train, and runs that are trained beside them though their results are there.
Group = tuple[tuple[Task, ...], tuple[Task, ...]]


def jobs_of(works: Sequence[Work], root: Path, device: str, workers: int) -> list[Job]:
    """Group what is missing into jobs, the longest first.

    workers  among whom they are to be shared out
    """
    jobs = []
    for work in works:
        limit = stack_limit(work.config, device)
        formed = any(task.members for task in work.missing)  # from what others trained
        if formed or is_exact(work.config, device):
            groups = evenly(work.missing, 1 if formed else limit)
        else:
            groups = in_blocks(work.tasks, work.missing, limit)
        jobs += [Job(work.name, work.config, again, root, device, there) for again, there in groups]
    return shared_out(sorted(jobs, key=cost, reverse=True), workers)


def jobs_agreed_on(
    works: Sequence[Work], root: Path, device: str, shard: Fraction = Fraction()
) -> list[Job]:
    """Group what is missing into the jobs that all who work on a study have, whatever is there.

    Runs are grouped as if none was there, and only then are those left out that are. So two that
    come at different times have the same jobs, and one of them each.

    shard  at which part of the list to begin, to be out of the way of those who begin elsewhere
    """
    found = []
    everything = [replace(work, missing=work.tasks) for work in works]
    missing = {task for work in works for task in work.missing}
    for job in jobs_of(everything, root, device, workers=1):
        found.append(without(job, [task for task in job.tasks if task not in missing]))
    start = int(len(found) * shard)
    return [job for job in found[start:] + found[:start] if job.tasks]


def without(job: Job, ended: Collection[Task]) -> Job:
    """Return the job without some of its runs.

    Where numbers depend on the stack they are trained beside the others once more.
    """
    left = tuple(task for task in job.tasks if task not in ended)
    depends = not (job.tasks[0].members or is_exact(job.config, job.device))
    return replace(job, tasks=left, beside=(*job.beside, *ended) if depends else job.beside)


def stack_limit(config: RunConfig, device: str) -> int:
    """Return how many replicates train as one program: what is asked for, where it is possible."""
    return 1 if one_by_one(config, device) else _asked_stack(config, device)


def one_by_one(config: RunConfig, device: str) -> str | None:
    """Return why a model that is to train in stacks cannot, None where it can or is not to.

    Only a module of the user's own is looked at for it, as `torch.func.vmap` does.
    """
    if not isinstance(config.model, Target) or _asked_stack(config, device) == 1:
        return None
    from ablate.launch.user_check import not_stacked  # and with it torch

    return not_stacked(config)


def _asked_stack(config: RunConfig, device: str) -> int:
    """Return how many replicates are to train as one program: a rule on the config alone.

    On a CPU only fully connected networks gain from it, and LSTMs, whose steps are many and small
    (convolutions were measured at 0.48 to 0.92 times the speed of one by one, transformers at about
    the same).
    """
    stack = config.trainer.stack
    if config.trains_one_by_one:
        return 1
    if isinstance(stack, int):
        return stack
    gains = device == "cuda" or config.model.name in ("mlp", "lstm")
    return AUTO_STACK if stack == "auto" and gains else 1


def is_exact(config: RunConfig, device: str) -> bool:
    """Tell whether a replicate has the same bits alone and in any stack."""
    return device == "cpu" and config.model.name in ("mlp", "lstm", "transformer")


def evenly(missing: Sequence[Task], limit: int) -> list[Group]:
    """Group runs as they come, at most `limit` together, where any grouping gives the same bits.

    Ten runs are two stacks of five rather than eight and two: small stacks are slow ones.
    """
    count = -(-len(missing) // limit)
    ends = [len(missing) * number // count for number in range(count + 1)] if count else []
    return [(tuple(missing[start:end]), ()) for start, end in itertools.pairwise(ends)]


def shared_out(jobs: Sequence[Job], workers: int) -> list[Job]:
    """Split the last jobs where some workers would wait for them with nothing to do.

    Of three stacks for two workers the third is halved. Where numbers depend on the stack,
    nothing is split.
    """
    odd = len(jobs) % workers
    if not odd or not all(is_exact(job.config, job.device) for job in jobs[-odd:]):
        return list(jobs)
    parts = -(-workers // odd)
    split = [
        replace(job, tasks=tasks)
        for job in jobs[-odd:]
        for tasks, _ in evenly(job.tasks, -(-len(job.tasks) // parts))
    ]
    return [*jobs[:-odd], *split]


def in_blocks(tasks: Sequence[Task], missing: Sequence[Task], limit: int) -> list[Group]:
    """Group runs by replicate number (0 to limit - 1, ...), where numbers depend on the group.

    Returns per block that misses a run those missing and those beside them: the whole block
    trains again, so that a sweep that was cut short ends with the numbers of one that was not.
    """
    blocks: dict[tuple[int, int], list[Task]] = {}
    for task in tasks:
        blocks.setdefault((task.member, task.replicate // limit), []).append(task)
    wanted = set(missing)
    return [
        (tuple(t for t in block if t in wanted), tuple(t for t in block if t not in wanted))
        for block in blocks.values()
        if wanted.intersection(block)
    ]


def cost(job: Job) -> float:
    """Return about how many multiply-adds a job takes; infinite where nobody can tell.

    Begun last, a long job would keep one worker busy when the others have nothing left.
    """
    return 0.0 if job.tasks[0].members else training_cost(job.config) * len(job.stack)
