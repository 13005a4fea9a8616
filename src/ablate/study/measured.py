"""What the runs of a cell will report, as far as its config tells before anything is trained."""

from collections.abc import Iterable

from ablate import data
from ablate.config import RunConfig
from ablate.config.ensemble import McDropout, NoEnsemble, Snapshot
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.metrics import CLASSIFICATION, GAP, SCORED, SPLITS

#: The lecture's training procedure: optimizers over a surface of two variables, without data.
OVER_SURFACE = "ablate.lessons.descent.follow"
_PATH = frozenset({"x", "y", "f", "gradients", "hessians"})
_OF_PATH = frozenset({"steps", "effort", "longest_step", "diverged_at"})
_EVALUATED = frozenset({"epoch", "lr", "train/loss", "validation/loss"})


def task_of(config: RunConfig) -> str:
    """Return what a run predicts, as `task.name` has it; of the user's own the dotted path.

    Raises ConfigError where data of the user's own cannot be loaded, which alone says it.
    """
    if isinstance(config.task, Target) or config.task.name != "auto":
        return config.task.name
    return data.task_of(config.data) if reads_data(config) else CLASSIFICATION


def measured(config: RunConfig, task: str) -> frozenset[str] | None:
    """Return the final metrics of a run, as columns of the frame are called.

    task  of the study: a report is made where nobody can ask data of the user's own

    None where a training procedure or a task of the user's own decides. A network without weights
    to penalize has no `weights/...`, an ensemble of one member nothing that takes two.
    """
    if config.trainer.is_user_code:
        return None if reads_data(config) else _PATH | _OF_PATH
    names = SCORED.get(task)
    if names is None:
        return None
    named = {config.metric.name} if config.metric else set()
    ensemble = config.ensemble
    if isinstance(ensemble, NoEnsemble):
        named |= {f"{split}/{score}" for split in (*SPLITS, GAP) for score in names}
        named |= {"weights/norm", "weights/zero", "weights/small"}
        if not isinstance(config.stopping, NoStopping):
            named |= {"stopping/step", "stopping/best_step"}
        return frozenset(named)
    # A vote has no cross-entropy: a class that nobody votes for has no probability.
    kept = {*names} - (set() if ensemble.combine == "average" else {"loss", "nll"})
    scores = {f"test/{score}" for score in kept} | _of_members(task, ensemble.size)
    if isinstance(ensemble, Snapshot | McDropout):
        scores |= {f"plain/{score}" for score in names if score != "loss"}
    return frozenset(named | scores)


def _of_members(task: str, size: int) -> set[str]:
    """Return what an ensemble of so many reports of its members."""
    alone, of_several = {
        "classification": (("accuracy", "brier"), ("covariance", "disagreement")),
        "regression": (("mse", "ambiguity"), ()),
        "multilabel": (("f1",), ("disagreement",)),
    }[task]
    return {f"members/{name}" for name in (*alone, *(of_several if size > 1 else ()))}


def curves(config: RunConfig, task: str) -> frozenset[str] | None:
    """Return what a run evaluates while it trains; None where the user's own procedure decides."""
    if config.trainer.is_user_code:
        return None if reads_data(config) else _PATH
    trains = config.trainer.trains and isinstance(config.ensemble, NoEnsemble)
    if not trains:
        return frozenset()
    names = SCORED.get(task)
    if names is None:
        return None
    trained = {f"train/{names[0]}"} if config.probe.train_accuracy else set()
    return _EVALUATED | {f"validation/{names[0]}"} | trained


def is_probed(config: RunConfig) -> bool | None:
    """Tell whether a run has statistics of its layers; None where the user's function decides.

    Ensembles have none, and commands.
    """
    if config.probe.steps == "off" or not isinstance(config.ensemble, NoEnsemble):
        return False
    if config.trainer.is_user_code:
        return None if config.trainer.target is not None and reads_data(config) else False
    return True


def reads_data(config: RunConfig) -> bool:
    """Tell whether a run looks at its data."""
    return config.trainer.target != OVER_SURFACE


def reported(each: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return what any of several runs reports; None where that is not known of one of them."""
    known: frozenset[str] = frozenset()
    for names in each:
        if names is None:
            return None
        known |= names
    return known
