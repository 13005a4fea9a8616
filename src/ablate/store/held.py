"""Which ledgers have a run of MLflow: several folders may sweep one study into one store.

A run has a tag for each ledger that has it. Bringing the store up to one ledger takes that
ledger's tag from what it has no more, and a run goes with its last tag: nobody deletes what another
has. Of several runs that stand for the same one (the same key, hence the same training) the first
by id stays, with the tags of all: whoever looks chooses the same one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.store.files import write_atomically

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

    from ablate.store.tracking import Store

_PREFIX = "ablate.ledger."


def ledger_tag(root: Path) -> str:
    """Return the tag of the ledger under `root`: drawn once, and kept in `runs/.ledger`.

    It moves with the folder. A copy of the folder is the same ledger until it loses the file.
    The caller sees to it that nobody else draws one meanwhile.
    """
    path = root / "runs" / ".ledger"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{uuid.uuid4().hex[:16]}\n".encode())
    return _PREFIX + path.read_text(encoding="utf-8").strip()


def holders(run: MlflowRun) -> set[str]:
    """Return the tags of the ledgers that have the run."""
    return {name for name in run.data.tags if name.startswith(_PREFIX)}


def is_ours(store: Store, run: MlflowRun) -> bool:
    """Tell whether our ledger has the run, or nobody says so: version 0.1 wrote no such tags."""
    found = holders(run)
    return store.ledger in found or not found


def has_others(store: Store, run: MlflowRun) -> bool:
    """Tell whether another ledger has the run."""
    return bool(holders(run) - {store.ledger})


def release(store: Store, run: MlflowRun) -> None:
    """Let go of a run that our ledger has no more."""
    if has_others(store, run):
        unless_gone(lambda: store.client.delete_tag(run.info.run_id, store.ledger))
    else:
        store.client.delete_run(run.info.run_id)


def stand_in(store: Store, run: MlflowRun, stays: str) -> None:
    """Delete a run for which the one with the id `stays` stands; it gets the tags first."""
    tags = dict.fromkeys(holders(run), "yes")
    if not tags or add_tags(store, stays, tags):
        store.client.delete_run(run.info.run_id)


def add_tags(store: Store, run_id: str, tags: dict[str, str]) -> bool:
    """Set tags in one call; return False where somebody has deleted the run meanwhile."""
    from mlflow.entities import RunTag

    batch = [RunTag(name, value) for name, value in tags.items()]
    return unless_gone(lambda: store.client.log_batch(run_id, tags=batch))


def unless_gone(call: Callable[[], object]) -> bool:
    """Make a call about a run; return False where somebody has deleted it meanwhile, or its tag."""
    from mlflow.exceptions import MlflowException

    try:
        call()
    except MlflowException as error:
        # A deleted run is there, and not active.
        if error.error_code != "RESOURCE_DOES_NOT_EXIST" and "'active' state" not in str(error):
            raise
        return False
    return True
