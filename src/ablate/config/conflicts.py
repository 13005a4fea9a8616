"""The few pairs of options that mean nothing together, and why, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ablate.config.data import Digits, DownloadedData
from ablate.config.ensemble import Bagging, McDropout, NoEnsemble, Snapshot
from ablate.config.heads import NoHeads
from ablate.config.init import He, Lsuv
from ablate.config.model import Mlp, TokenConfig
from ablate.config.optimizer import Lbfgs
from ablate.config.penalty import PULLS, ActivationL1, MaxNorm, NoPenalty, Tied
from ablate.config.pretrain import Autoencoders, NoPretraining, Source
from ablate.config.stopping import NoStopping, Patience
from ablate.config.target import Target

if TYPE_CHECKING:
    from ablate.config.run import RunConfig


def conflicts(config: RunConfig) -> Iterator[str]:
    """Say of the few pairs of options that mean nothing together why not, a sentence each."""
    yield from _conflicts_of_user_code(config)
    yield from _conflicts_of_heads(config)
    yield from _conflicts_of_pulls(config)
    yield from _conflicts_after_stopping(config)
    yield from _conflicts_of_whitening(config)
    # Whether a model of the user's own drops anything is not known here.
    drops = isinstance(config.model, Target) or config.model.drops
    yield from _nothing_that_varies(config, drops)
    if isinstance(config.model, TokenConfig) and isinstance(config.init, Lsuv):
        yield (
            f"init=lsuv is not allowed with model={config.model.name}: it follows a chain of "
            "layers, and this one branches"
        )
    yield from _conflicts_of_pretraining(config)
    if isinstance(config.optimizer, Lbfgs):
        if drops and not isinstance(config.model, Target):
            yield (
                "optimizer=lbfgs is not allowed with dropout: its line search needs a loss "
                "that stays the same from one look to the next"
            )
        if not isinstance(config.penalty, NoPenalty | MaxNorm | PULLS):
            yield (
                f"optimizer=lbfgs is not allowed with penalty={config.penalty.name}: its line "
                "search needs a smooth loss; allowed are none, max_norm, l2, to_start or tied"
            )
    if isinstance(config.ensemble, McDropout) and not drops:
        yield (
            "ensemble=mc_dropout needs dropout: set model.dropout or model.input_dropout above 0"
        )
    scheduled = getattr(config.model, "dropout_schedule", "constant")
    if isinstance(config.ensemble, McDropout) and scheduled in ("early", "annealed"):
        yield (
            f"ensemble=mc_dropout is not allowed with model.dropout_schedule={scheduled}: at "
            "the end nothing is dropped"
        )
    if isinstance(config.ensemble, Snapshot) and not isinstance(config.stopping, NoStopping):
        yield (
            "ensemble=snapshot is not allowed with stopping=patience: its snapshots are "
            "spread over the whole training"
        )
    if isinstance(config.ensemble, Snapshot) and not config.trainer.trains:
        yield "ensemble=snapshot needs training: trainer.epochs is 0"


def _conflicts_after_stopping(config: RunConfig) -> Iterator[str]:
    """Refuse a second training where the first cannot be gone on with or done again."""
    if not isinstance(config.stopping, Patience) or config.stopping.then == "stop":
        return
    said = f"stopping.then={config.stopping.then} is not allowed with"
    schedule = config.schedule
    if not config.stopping.restore:
        yield f"{said} stopping.restore=false: it asks for the best evaluation"
    if config.trainer.is_user_code:
        yield f"{said} a training procedure of your own, which trains what it likes"
    if not isinstance(config.heads, NoHeads):
        yield f"{said} heads={config.heads.name}: these have no targets of validation examples"
    if config.trainer.bootstrap or isinstance(config.ensemble, Bagging):
        yield f"{said} a bootstrap sample, of which validation is no part"
    if schedule.name == "plateau":
        yield f"{said} schedule=plateau: no validation is left for it to look at"
    dropping = getattr(config.model, "dropout_schedule", "constant")
    if config.stopping.then == "go_on" and dropping != "constant":
        yield f"{said} model.dropout_schedule={dropping}: it would begin anew"
    if config.stopping.then == "go_on" and (schedule.name != "constant" or schedule.warmup):
        yield (
            "stopping.then=go_on needs schedule=constant and schedule.warmup=0: replicates go "
            "on from steps of their own, and would each need a rate of its own"
        )


def _conflicts_of_pulls(config: RunConfig) -> Iterator[str]:
    """Refuse penalties by squares where the layers that they pull are not known."""
    penalty, model = config.penalty, config.model
    if getattr(penalty, "biases", False) and isinstance(model, Target):
        yield (
            f"penalty.biases=true is not allowed with model={model.name}: it has to know the "
            "layers of a model"
        )
    if not isinstance(penalty, Tied):
        return
    if not isinstance(model, Mlp):
        yield (
            f"penalty=tied is not allowed with model={model.name}: it ties the hidden layers "
            "of model=mlp"
        )
    elif not any(len({*model.widths[k : k + 3]}) == 1 for k in range(len(model.widths) - 2)):
        yield (
            "penalty=tied needs two layers of one shape: three hidden layers in a row of the "
            "same model.width"
        )


def _conflicts_of_pretraining(config: RunConfig) -> Iterator[str]:
    """Refuse pretraining, and frozen layers, that this model or data cannot have."""
    pretrain, trained = config.pretrain, not config.trainer.is_user_code
    beside = f"pretrain={pretrain.name} is not allowed with"
    if isinstance(pretrain, Autoencoders) and not isinstance(config.model, Mlp) and trained:
        yield f"{beside} model={config.model.name}: it is for the layers of model=mlp"
    every_step = getattr(config.model, "statistics", None) == "every_step"
    if isinstance(pretrain, Autoencoders) and every_step:
        yield f"{beside} model.statistics=every_step: it trains on batches alone"
    if isinstance(config.model, Target | TokenConfig):
        if isinstance(pretrain, Source):
            yield f"{beside} model={config.model.name}: it has to know a chain of layers"
        if config.trainer.frozen:
            users = isinstance(config.model, Target)
            yield (
                f"trainer.frozen={config.trainer.frozen} is not allowed with model="
                f"{config.model.name}: "
                + (
                    "a model of your own freezes its own weights"
                    if users
                    else "it has no chain of layers"
                )
            )
    if not isinstance(pretrain, Source):
        return
    if pretrain.steps is None and not config.trainer.trains:
        yield "pretrain.steps is null, as long as the training, but trainer.epochs is 0"
    same = pretrain.data in (None, config.data.name)
    if same and not isinstance(config.data, Digits | DownloadedData):
        yield (
            f"{beside} data={config.data.name} unless pretrain.data names another data set: "
            "this one cannot be split by classes"
        )
    elif same and isinstance(config.data, Digits | DownloadedData):
        own, other = config.data.classes, pretrain.classes
        if own is None or other is None or {*own} & {*other}:
            of_source = "all" if other is None else list(other)
            of_task = "all" if own is None else list(own)
            yield (
                f"pretrain.classes={of_source} is not allowed with data.classes={of_task} of "
                "the same data set: a class of both would train on what validates"
            )


def _nothing_that_varies(config: RunConfig, drops: bool) -> Iterator[str]:
    """Refuse a source of randomness that this config does not have."""
    bagging = isinstance(config.ensemble, Bagging)
    if bagging and config.trainer.bootstrap:
        yield (
            "trainer.bootstrap=true is not allowed with ensemble=bagging, which resamples the "
            "training split of every member anyway"
        )
    augments = isinstance(config.augment, Target) or config.augment.changes_training
    missing = {
        "dropout": (drops, "model.dropout or model.input_dropout above 0"),
        "augment": (augments, "an augment"),
        "bootstrap": (config.trainer.bootstrap or bagging, "trainer.bootstrap=true"),
        "label_noise": (config.data.label_noise > 0, "data.label_noise above 0"),
        "pretrain": (not isinstance(config.pretrain, NoPretraining), "a pretrain"),
    }
    there, needed = missing.get(config.trainer.vary, (True, ""))
    if not there and not config.trainer.is_user_code:
        yield f"trainer.vary={config.trainer.vary} leaves nothing that varies: it needs {needed}"


def _conflicts_of_whitening(config: RunConfig) -> Iterator[str]:
    """Refuse what would look at inputs before they are whitened."""
    if config.data.normalize != "whitened":
        return
    if config.trainer.is_user_code:
        yield (
            "data.normalize=whitened is not allowed with a training procedure of your own, "
            "which is given examples as they are stored"
        )
    if config.views.test_crops > 1 or config.views.test_flip:
        yield (
            "data.normalize=whitened is not allowed with augment.test_crops above 1 or "
            "augment.test_flip=true: a whitened image that is moved is not the whitened image "
            "of what was moved"
        )


def _conflicts_of_heads(config: RunConfig) -> Iterator[str]:
    """Refuse heads where nobody knows the layers that they would share."""
    if config.data.labelled is not None and config.trainer.is_user_code:
        yield (
            f"data.labelled={config.data.labelled} is not allowed with a training procedure of "
            "your own, which is given examples with their labels; take data.train_size"
        )
    heads, model = config.heads, config.model
    if isinstance(heads, NoHeads):
        return
    if config.trainer.is_user_code:
        yield (
            f"heads={heads.name} is not allowed with a training procedure of your own, which "
            "trains what it likes"
        )
    if isinstance(model, Target | TokenConfig):
        yield (
            f"heads={heads.name} is not allowed with model={model.name}: it has to know a "
            "chain of layers to branch off"
        )
    elif heads.shared is None:
        return
    elif not isinstance(model, Mlp):
        yield (
            f"heads.shared={heads.shared} is not allowed with model={model.name}: of a convnet "
            "heads share all hidden layers (heads.shared=null)"
        )
    elif heads.shared > len(model.widths):
        yield (
            f"heads.shared={heads.shared} is not allowed: the model has {len(model.widths)} "
            "hidden layers"
        )


def _conflicts_of_user_code(config: RunConfig) -> Iterator[str]:
    """Refuse settings that could not do anything beside the user's own code."""
    if isinstance(config.model, Target):
        beside = f"is not allowed with model={config.model.name}"
        if config.init != He(name="he"):
            yield f"init={config.init.name} {beside}: a model of your own draws its own weights"
        if isinstance(config.penalty, MaxNorm | ActivationL1):
            yield f"penalty={config.penalty.name} {beside}: it has to know the layers of a model"
    if isinstance(config.optimizer, Target):
        lr = config.optimizer.arguments.get("lr")
        if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
            yield (
                f"optimizer.lr={lr} is not allowed with optimizer={config.optimizer.name}: it "
                "must be a number greater than 0, from which schedules start"
            )
    if config.trainer.is_user_code and not isinstance(config.ensemble, NoEnsemble):
        yield (
            f"ensemble={config.ensemble.name} is not allowed with a training procedure of your "
            "own: it has no members to combine"
        )
