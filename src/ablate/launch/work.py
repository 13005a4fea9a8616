"""A worker that pulls: it takes runs of a declared study that nobody else has, until none is left.

It may be one of many, started by anything on any machine that sees the root. What it trains is what
was declared, not what a study file says by now.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from rich.console import Console

from ablate import user
from ablate.config import Local
from ablate.errors import ConfigError
from ablate.launch.asked import as_asked_before
from ablate.launch.device import device_kind
from ablate.launch.executor import executor_of
from ablate.launch.phases import (
    Further,
    LookedUp,
    Shared,
    Swept,
    index_of,
    look_up,
    train_all,
)
from ablate.launch.processor import check_capability
from ablate.launch.sweep import notes
from ablate.store.index import Index, read_declared, write_index
from ablate.store.journal import journal
from ablate.store.pack import restore
from ablate.study.lockfile import Locked, read_lock
from ablate.study.plan import Cell, Plan


@dataclass(frozen=True)
class Part:
    """Which part of a study a worker is for: `number`, from 0, of `of`.

    alone  it trains that part and no more, in a folder that is merged with the others later; else
           it only begins there
    """

    number: int = 0
    of: int = 1
    alone: bool = False

    @property
    def start(self) -> Fraction:
        """Where in the list of jobs to begin."""
        return Fraction(0 if self.alone else self.number, self.of)

    def cells_of(self, plan: Plan) -> tuple[Cell, ...]:
        """Return the cells of this part; an A/A control belongs to the one that it repeats."""
        places = {cell.key: place for place, cell in enumerate(plan.cells)}
        originals = (plan.original(c) if c.config.control else c for c in plan.cells)
        pairs = zip(plan.cells, originals, strict=True)
        return tuple(cell for cell, of in pairs if places[of.key] % self.of == self.number)


def work(
    root: Path, study: str, launch: Local, console: Console, part: Part, further: Further
) -> Swept:
    """Train what was declared and nobody else trains; return what came of it.

    further  as in `ablate.launch.sweep.sweep`

    Raises ConfigError or DataError, with nothing started, where nothing was declared, where what
    was declared is not what would be trained here, and where it cannot be trained here.
    """
    restore(root, study)
    locked, index = read_lock(root / "runs" / study), read_declared(root, study)
    if locked is None or index is None:
        raise ConfigError(
            f"study '{study}' is not declared in {root}: ablate sweep study=NAME --declare does it."
        )
    user.make_importable(*((root / folder).resolve() for folder in index.code))
    plan = as_asked_before(_as_declared(study, locked, index), root)
    trainer = plan.cells[0].config.trainer
    device = device_kind(trainer.device)
    check_capability(trainer.cpu_capability)
    works = look_up(plan, root, device)
    _check_keys(study, index, index_of(plan, works, root, device))
    if part.alone:  # what the whole study is stays as it was declared, and nobody sees all of it
        plan = replace(plan, cells=part.cells_of(plan))
        works, further = look_up(plan, root, device), lambda plan: None

    def declare(plan: Plan, works: LookedUp) -> None:
        if not part.alone:
            write_index(root, study, index_of(plan, works, root, device))

    with closing(executor_of(launch, device)) as executor:
        for note in notes(plan, root, device):
            console.out(note, style="dim")
        with journal(root, study) as ours:
            shared = Shared(
                root, device, executor, ours, launch, console, declare, shard=part.start
            )
            return train_all(shared, plan, works, further)


def _as_declared(study: str, locked: Locked, index: Index) -> Plan:
    """Return what was declared, with what of each cell changes no result and no key."""
    if index.device == "cuda" and device_kind("auto") != "cuda":
        raise ConfigError(f"study '{study}' was declared for cuda, and here is no CUDA device.")
    cells = []
    for cell in locked.cells:
        runtime = {**index.trainer.get(cell.slug, {}), "device": index.device or "auto"}
        trainer = cell.config.trainer.model_copy(update=runtime)
        cells.append(replace(cell, config=cell.config.model_copy(update={"trainer": trainer})))
    return Plan(locked.study, tuple(cells))


def _check_keys(study: str, declared: Index, here: Index) -> None:
    """Raise ConfigError unless what would be trained here has the keys that were declared.

    A key that carries an old name must not be given to the numbers of new code.
    """
    now = {cell.slug: cell.run_keys for cell in here.cells}
    other = [cell.name for cell in declared.cells if not _begin(now[cell.slug], cell.run_keys)]
    if other or declared.tuning != here.tuning:
        raise ConfigError(
            f"study '{study}' has changed since it was declared: here {(other or ['it'])[0]} would "
            "be trained with other data, other code of your own or another version of ablate; "
            "ablate sweep study=NAME --declare declares it anew."
        )


def _begin(here: Sequence[str], declared: Sequence[str]) -> bool:
    """Tell whether the keys here are those declared; of a cell not tuned yet there are none."""
    return not here or not declared or here[: len(declared)] == declared
