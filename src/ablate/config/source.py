"""The training before the training, where layers come from another task: a run of its own."""

from typing import Any

from ablate.config.augment import Augment
from ablate.config.data import Digits, DownloadedData
from ablate.config.ensemble import NoEnsemble
from ablate.config.heads import NoHeads
from ablate.config.loss import CrossEntropy
from ablate.config.penalty import PULLS, NoPenalty
from ablate.config.pretrain import NoPretraining, Source
from ablate.config.probe import Probe
from ablate.config.run import RunConfig
from ablate.config.stopping import NoStopping
from ablate.config.target import Target
from ablate.config.task import OfData


def source_run(config: RunConfig) -> RunConfig | None:
    """Return the config by which a network learns the other task; None where it learns none.

    Model, optimizer, schedule and penalty are the run's own; penalties by squares are of the
    training itself.
    """
    source, trainer = config.pretrain, config.trainer
    if not isinstance(source, Source) or trainer.is_user_code:
        return None
    changed: dict[str, Any] = {"frozen": 0, "bootstrap": False, "eval_every": None, "save": "none"}
    if source.steps is not None:
        changed["steps"] = source.steps
    return config.model_copy(
        update={
            "data": _data(config, source),
            "task": OfData(),
            "loss": CrossEntropy(),
            "optimizer": _optimizer(config, source.lr),
            "augment": Augment(),
            "ensemble": NoEnsemble(),
            "penalty": NoPenalty() if isinstance(config.penalty, PULLS) else config.penalty,
            "stopping": NoStopping(),
            "pretrain": NoPretraining(),
            "heads": NoHeads(),
            "trainer": trainer.model_copy(update=changed),
            "probe": Probe(steps="off"),
            "metric": None,
        }
    )


def _data(config: RunConfig, source: Source) -> Digits | DownloadedData:
    fields = {
        "name": source.data or config.data.name,
        "classes": source.classes,
        "normalize": config.data.normalize,
        "whitening_eps": config.data.whitening_eps,
        "train_size": source.train_size,
        # A split has some; nothing looks at it.
        "validation_size": 1,
    }
    kind = Digits if fields["name"] == "digits" else DownloadedData
    return kind.model_validate(fields)


def _optimizer(config: RunConfig, lr: float | None) -> Any:
    optimizer = config.optimizer
    if lr is None:
        return optimizer
    if isinstance(optimizer, Target):
        return optimizer.model_copy(update={"arguments": {**optimizer.arguments, "lr": lr}})
    return optimizer.model_copy(update={"lr": lr})
