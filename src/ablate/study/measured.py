"""What the runs of a cell will report, as far as its config tells before anything is trained."""

from collections.abc import Iterable

from ablate import data
from ablate.config import RunConfig
from ablate.config.ensemble import McDropout, NoEnsemble, Snapshot
from ablate.config.heads import Others, Reconstruction
from ablate.config.model import Mlp
from ablate.config.pretrain import Autoencoders, Source
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.config.task import FACTS
from ablate.metrics import CLASSIFICATION, GAP, SPLITS

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


def has_outputs_per_token(config: RunConfig) -> bool:
    """Tell whether each token has outputs; false of a task of the user's own, which alone knows."""
    facts = FACTS.get(task_of(config))
    return facts is not None and facts.per_token


def measured(config: RunConfig, task: str) -> frozenset[str] | None:
    """Return the final metrics of a run, as columns of the frame are called.

    task  of the study: a report is made where nobody can ask data of the user's own

    None where a training procedure or a task of the user's own decides. A network without weights
    to penalize has no `weights/...`, an ensemble of one member nothing that takes two.
    """
    if config.trainer.is_user_code:
        return None if reads_data(config) else _PATH | _OF_PATH
    facts = FACTS.get(task)
    if facts is None:
        return None
    names = facts.scores
    named = {config.metric.name} if config.metric else set()
    ensemble = config.ensemble
    if isinstance(ensemble, NoEnsemble):
        named |= {f"{split}/{score}" for split in (*SPLITS, GAP) for score in names}
        named |= {"weights/norm", "weights/zero", "weights/small"}
        named |= {"units/alike", "units/effective"} if config.probe.units else set()
        named |= _of_heads(config) | _of_pretraining(config)
        if not isinstance(config.stopping, NoStopping):
            named |= {"stopping/step", "stopping/best_step"}
            named |= set() if config.stopping.then == "stop" else {"stopping/more_steps"}
        return frozenset(named)
    # A vote has no cross-entropy: a class that nobody votes for has no probability.
    kept = {*names} - {*facts.of_whole}
    kept -= set() if ensemble.combine != "vote" else {"loss", "nll"}
    of_members = (*facts.of_members, *(facts.of_several if ensemble.size > 1 else ()))
    scores = {f"test/{score}" for score in kept} | {f"members/{name}" for name in of_members}
    if isinstance(ensemble, Snapshot | McDropout):
        scores |= {f"plain/{score}" for score in names if score != "loss"}
    return frozenset(named | scores)


def _of_heads(config: RunConfig) -> set[str]:
    """Return what heads are scored on the test set."""
    if isinstance(config.heads, Reconstruction):
        return {"test/reconstruction/error"}
    if not isinstance(config.heads, Others):
        return set()
    others = data.others_of(config.data).items()
    return {f"test/{name}/{score}" for name, (task, _) in others for score in FACTS[task].scores}


def _of_pretraining(config: RunConfig) -> set[str]:
    """Return what layers report that learn something before the training."""
    if isinstance(config.pretrain, Source):
        return {"pretrain/accuracy", "pretrain/loss"}
    if isinstance(config.pretrain, Autoencoders):
        assert isinstance(config.model, Mlp)
        return {f"pretrain/layer{n}_loss" for n in range(1, len(config.model.widths) + 1)}
    return set()


def curves(config: RunConfig, task: str) -> frozenset[str] | None:
    """Return what a run evaluates while it trains; None where the user's own procedure decides."""
    if config.trainer.is_user_code:
        return None if reads_data(config) else _PATH
    trains = config.trainer.trains and isinstance(config.ensemble, NoEnsemble)
    if not trains:
        return frozenset()
    facts = FACTS.get(task)
    if facts is None:
        return None
    names = facts.scores
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
