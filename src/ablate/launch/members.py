"""Ensembles: which trainings stand behind a run, so that a larger ensemble trains only the new.

Members are trained once per study and shared by all cells that need them; a run of such a cell
is formed from their stored predictions (`ablate.launch.ensemble_run`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablate.config import RunConfig
from ablate.config.ensemble import Bagging, EnsembleConfig, McDropout, NoEnsemble, Snapshot
from ablate.config.key import cell_key


def is_formed(config: RunConfig) -> bool:
    """Tell whether a run of this config is formed from others' predictions."""
    return not isinstance(config.ensemble, NoEnsemble)


def training_config(config: RunConfig) -> RunConfig:
    """Return what is trained for a run: the config itself, or that of an ensemble's members.

    How many members predict together, and how, is left out of it: it changes no training.
    """
    trained: EnsembleConfig = NoEnsemble()
    if isinstance(config.ensemble, Bagging | Snapshot | McDropout):
        kept = config.ensemble.model_dump(exclude={"size", "combine"})
        trained = type(config.ensemble)(**kept, size=1)
    return config.model_copy(update={"ensemble": trained})


def member_numbers(config: RunConfig) -> Sequence[int]:
    """Return the members to train for one replicate; one training gives all snapshots."""
    ensemble = config.ensemble
    if isinstance(ensemble, Snapshot | McDropout):
        return (0,)
    return range(ensemble.size) if not isinstance(ensemble, NoEnsemble) else ()


def member_directory(
    root: Path, study: str, config: RunConfig, replicate: int, member: int
) -> Path:
    """Return the folder of a member; `config` is what `training_config` returned."""
    kind = "seeds" if isinstance(config.ensemble, NoEnsemble) else config.ensemble.name
    name = f"{kind}-{cell_key(config)[:8]}"
    return root / "runs" / study / "members" / name / str(replicate) / str(member)
