"""Ensembles: which trainings stand behind a run, so that a larger ensemble trains only the new.

Members are trained once per study and shared by all cells that need them; a run of such a cell
is formed from their stored predictions (`ablate.launch.ensemble_run`).
"""

from collections.abc import Sequence
from pathlib import Path

from ablate.config import RunConfig
from ablate.config.ensemble import Bagging, EnsembleConfig, McDropout, NoEnsemble, Snapshot
from ablate.config.key import cell_key


def training_config(config: RunConfig) -> RunConfig:
    """Return what is trained for a run: the config itself, or that of an ensemble's members.

    How many members predict together, and how, is left out of it: it changes no training.
    """
    trained: EnsembleConfig = NoEnsemble()
    if isinstance(config.ensemble, Bagging | Snapshot | McDropout):
        trained = config.ensemble.model_copy(update={"size": 1, "combine": "average"})
    return config.model_copy(update={"ensemble": trained})


def member_numbers(config: RunConfig) -> Sequence[int]:
    """Return the members to train for one replicate, none where it is no ensemble.

    One training gives all snapshots.
    """
    ensemble = config.ensemble
    if isinstance(ensemble, NoEnsemble):
        return ()
    return (0,) if isinstance(ensemble, Snapshot | McDropout) else range(ensemble.size)


def member_directory(
    root: Path, study: str, config: RunConfig, replicate: int, member: int
) -> Path:
    """Return the folder of a member; `config` is what `training_config` returned."""
    kind = "seeds" if isinstance(config.ensemble, NoEnsemble) else config.ensemble.name
    name = f"{kind}-{cell_key(config)[:8]}"
    return root / "runs" / study / "members" / name / str(replicate) / str(member)
