"""What a worker is told to do, and how replicates are grouped into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.config import RunConfig

#: Replicates trained as one program by `trainer.stack=auto`.
AUTO_STACK = 8


@dataclass(frozen=True)
class Task:
    """One run: the replicate whose random streams it draws from, its key and its folder.

    member    of the replicate's ensemble; 0 is the plain run
    members   folders of the trainings that an ensemble is formed from; none for a training
    """

    replicate: int
    key: str
    directory: Path
    member: int = 0
    members: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Job:
    """Runs of one cell that a worker trains as one stack."""

    name: str
    config: RunConfig
    tasks: tuple[Task, ...]
    root: Path
    device: str


def stack_limit(config: RunConfig, device: str) -> int:
    """Return how many replicates may train as one program.

    On a CPU only fully connected networks gain from it (convolutions were measured at 0.65 to
    0.92 times the speed of one by one); there a replicate has the same bits in any stack.
    """
    stack = config.trainer.stack
    if config.trains_alone:
        return 1
    if isinstance(stack, int):
        return stack
    gains = device == "cuda" or config.model.name == "mlp"
    return AUTO_STACK if stack == "auto" and gains else 1


def into_stacks(
    tasks: Sequence[Task], limit: int, device: str, per_worker: int | None = None
) -> list[tuple[Task, ...]]:
    """Group the runs of a cell.

    On a CPU any grouping gives the same bits, so stacks shrink to `per_worker` runs where that
    keeps every worker busy. On a GPU, where it does not, blocks are fixed by replicate number.
    """
    if device == "cuda":
        blocks: dict[tuple[int, int], list[Task]] = {}
        for task in tasks:
            blocks.setdefault((task.member, task.replicate // limit), []).append(task)
        return [tuple(block) for block in blocks.values()]
    size = max(1, min(limit, per_worker or limit))
    return [tuple(tasks[start : start + size]) for start in range(0, len(tasks), size)]
