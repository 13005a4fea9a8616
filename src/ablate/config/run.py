"""The validated config of one cell: everything that decides a run's numbers."""

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, model_validator

from ablate.config.augment import Augment
from ablate.config.base import Count, Frozen
from ablate.config.data import DataConfig, Digits, DownloadedData
from ablate.config.ensemble import Bagging, EnsembleConfig, McDropout, NoEnsemble, Snapshot
from ablate.config.heads import HeadsConfig, NoHeads
from ablate.config.init import He, InitConfig, Lsuv
from ablate.config.loss import CrossEntropy
from ablate.config.model import Mlp, ModelConfig, TokenConfig
from ablate.config.optimizer import Lbfgs, OptimizerConfig
from ablate.config.penalty import (
    PULLS,
    ActivationL1,
    MaxNorm,
    NoPenalty,
    PenaltyConfig,
    Tied,
)
from ablate.config.pretrain import Autoencoders, NoPretraining, PretrainConfig, Source
from ablate.config.probe import Probe
from ablate.config.schedule import ConstantSchedule, ScheduleConfig
from ablate.config.stopping import NoStopping, Patience, StoppingConfig
from ablate.config.target import Dotted, Either, ModelTarget, Target
from ablate.config.task import OfData, TaskConfig
from ablate.config.trainer import Trainer

#: Beyond any seed that somebody would type.
_CONTROL = 2**64


class UserMetric(Frozen):
    """A function (logits (N, K), labels (N,)) -> float of the user's own, on the test set."""

    name: str
    function: Dotted


class RunConfig(Frozen):
    """One cell. Groups are chosen by `name`, values by dotted key (`optimizer.lr`).

    Where `Target` stands, the user's own class or function may take the option's place.
    `metric` is what the study compares, where this package does not have it. `control` is set in
    the cell of an A/A control: the same settings with random streams of their own.
    """

    data: DataConfig
    task: TaskConfig = OfData()
    model: Either[ModelConfig, ModelTarget]
    init: InitConfig = Field(default=He(name="he"))
    loss: Either[CrossEntropy, Target] = CrossEntropy()
    optimizer: Either[OptimizerConfig, Target]
    schedule: ScheduleConfig = Field(default=ConstantSchedule(name="constant"))
    penalty: PenaltyConfig = NoPenalty()
    heads: HeadsConfig = NoHeads()
    augment: Either[Augment, Target] = Augment()
    ensemble: EnsembleConfig = NoEnsemble()
    stopping: StoppingConfig = NoStopping()
    pretrain: PretrainConfig = NoPretraining()
    trainer: Trainer = Trainer()
    probe: Probe = Probe()
    seed: Count = 0
    metric: UserMetric | None = None
    control: bool = False

    @property
    def entropy(self) -> int:
        """What random streams grow from: the seed, moved out of reach for a control."""
        return self.seed + (_CONTROL if self.control else 0)

    @property
    def trains_one_by_one(self) -> bool:
        """Tell whether replicates cannot share a program: they would share steps or rates.

        The user's own code knows of one network at a time. A model is run over a stack of them,
        but not under autocast, which `torch.func.vmap` leaves aside.
        """
        users = self.user_code.keys() - {"data", "metric", "model"}
        cast = "model" in self.user_code and self.trainer.precision != "fp32"
        alone = self.optimizer.name == "lbfgs" or self.schedule.name == "plateau"
        return bool(users) or cast or alone

    @property
    def user_code(self) -> Mapping[str, str]:
        """Dotted paths of the user's own code, by the key that names each."""
        found = {group: value.target for group, value in self if isinstance(value, Target)}
        found |= {} if self.trainer.target is None else {"trainer": self.trainer.target}
        return found | ({} if self.metric is None else {"metric": self.metric.function})

    @property
    def lr(self) -> float:
        """The learning rate that schedules start from."""
        if isinstance(self.optimizer, Target):
            return float(self.optimizer.arguments["lr"])
        return self.optimizer.lr

    @property
    def views(self) -> Augment:
        """The augmentation of this package; one of the user's own has no mixup and no views."""
        return Augment() if isinstance(self.augment, Target) else self.augment

    @property
    def label_smoothing(self) -> float:
        """Of the loss; a loss of the user's own has none."""
        return 0.0 if isinstance(self.loss, Target) else self.loss.label_smoothing

    @model_validator(mode="after")
    def _options_that_go_together(self) -> Self:
        for conflict in self._conflicts():
            raise ValueError(conflict)
        return self

    def _conflicts(self) -> Iterator[str]:
        """Say of the few pairs of options that mean nothing together why not, a sentence each."""
        yield from self._conflicts_of_user_code()
        yield from self._conflicts_of_heads()
        yield from self._conflicts_of_pulls()
        yield from self._conflicts_after_stopping()
        yield from self._conflicts_of_whitening()
        # Whether a model of the user's own drops anything is not known here.
        drops = isinstance(self.model, Target) or self.model.drops
        yield from self._nothing_that_varies(drops)
        if isinstance(self.model, TokenConfig) and isinstance(self.init, Lsuv):
            yield (
                f"init=lsuv is not allowed with model={self.model.name}: it follows a chain of "
                "layers, and this one branches"
            )
        yield from self._conflicts_of_pretraining()
        if isinstance(self.optimizer, Lbfgs):
            if drops and not isinstance(self.model, Target):
                yield (
                    "optimizer=lbfgs is not allowed with dropout: its line search needs a loss "
                    "that stays the same from one look to the next"
                )
            if not isinstance(self.penalty, NoPenalty | MaxNorm | PULLS):
                yield (
                    f"optimizer=lbfgs is not allowed with penalty={self.penalty.name}: its line "
                    "search needs a smooth loss; allowed are none, max_norm, l2, to_start or tied"
                )
        if isinstance(self.ensemble, McDropout) and not drops:
            yield (
                "ensemble=mc_dropout needs dropout: set model.dropout or model.input_dropout "
                "above 0"
            )
        scheduled = getattr(self.model, "dropout_schedule", "constant")
        if isinstance(self.ensemble, McDropout) and scheduled in ("early", "annealed"):
            yield (
                f"ensemble=mc_dropout is not allowed with model.dropout_schedule={scheduled}: at "
                "the end nothing is dropped"
            )
        if isinstance(self.ensemble, Snapshot) and not isinstance(self.stopping, NoStopping):
            yield (
                "ensemble=snapshot is not allowed with stopping=patience: its snapshots are "
                "spread over the whole training"
            )
        if isinstance(self.ensemble, Snapshot) and not self.trainer.trains:
            yield "ensemble=snapshot needs training: trainer.epochs is 0"

    def _conflicts_after_stopping(self) -> Iterator[str]:
        """Refuse a second training where the first cannot be gone on with or done again."""
        if not isinstance(self.stopping, Patience) or self.stopping.then == "stop":
            return
        said = f"stopping.then={self.stopping.then} is not allowed with"
        schedule = self.schedule
        if not self.stopping.restore:
            yield f"{said} stopping.restore=false: it asks for the best evaluation"
        if self.trainer.is_user_code:
            yield f"{said} a training procedure of your own, which trains what it likes"
        if not isinstance(self.heads, NoHeads):
            yield f"{said} heads={self.heads.name}: these have no targets of validation examples"
        if self.trainer.bootstrap or isinstance(self.ensemble, Bagging):
            yield f"{said} a bootstrap sample, of which validation is no part"
        if schedule.name == "plateau":
            yield f"{said} schedule=plateau: no validation is left for it to look at"
        dropping = getattr(self.model, "dropout_schedule", "constant")
        if self.stopping.then == "go_on" and dropping != "constant":
            yield f"{said} model.dropout_schedule={dropping}: it would begin anew"
        if self.stopping.then == "go_on" and (schedule.name != "constant" or schedule.warmup):
            yield (
                "stopping.then=go_on needs schedule=constant and schedule.warmup=0: replicates go "
                "on from steps of their own, and would each need a rate of its own"
            )

    def _conflicts_of_pulls(self) -> Iterator[str]:
        """Refuse penalties by squares where the layers that they pull are not known."""
        penalty, model = self.penalty, self.model
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

    def _conflicts_of_pretraining(self) -> Iterator[str]:
        """Refuse pretraining, and frozen layers, that this model or data cannot have."""
        pretrain, trained = self.pretrain, not self.trainer.is_user_code
        beside = f"pretrain={pretrain.name} is not allowed with"
        if isinstance(pretrain, Autoencoders) and not isinstance(self.model, Mlp) and trained:
            yield f"{beside} model={self.model.name}: it is for the layers of model=mlp"
        if isinstance(self.model, Target | TokenConfig):
            if isinstance(pretrain, Source):
                yield f"{beside} model={self.model.name}: it has to know a chain of layers"
            if self.trainer.frozen:
                users = isinstance(self.model, Target)
                yield (
                    f"trainer.frozen={self.trainer.frozen} is not allowed with model="
                    f"{self.model.name}: "
                    + (
                        "a model of your own freezes its own weights"
                        if users
                        else "it has no chain of layers"
                    )
                )
        if not isinstance(pretrain, Source):
            return
        if pretrain.steps is None and not self.trainer.trains:
            yield "pretrain.steps is null, as long as the training, but trainer.epochs is 0"
        same = pretrain.data in (None, self.data.name)
        if same and not isinstance(self.data, Digits | DownloadedData):
            yield (
                f"{beside} data={self.data.name} unless pretrain.data names another data set: "
                "this one cannot be split by classes"
            )
        elif same and isinstance(self.data, Digits | DownloadedData):
            own, other = self.data.classes, pretrain.classes
            if own is None or other is None or {*own} & {*other}:
                of_source = "all" if other is None else list(other)
                of_task = "all" if own is None else list(own)
                yield (
                    f"pretrain.classes={of_source} is not allowed with data.classes={of_task} of "
                    "the same data set: a class of both would train on what validates"
                )

    def _nothing_that_varies(self, drops: bool) -> Iterator[str]:
        """Refuse a source of randomness that this config does not have."""
        bagging = isinstance(self.ensemble, Bagging)
        if bagging and self.trainer.bootstrap:
            yield (
                "trainer.bootstrap=true is not allowed with ensemble=bagging, which resamples the "
                "training split of every member anyway"
            )
        augments = isinstance(self.augment, Target) or self.augment.changes_training
        missing = {
            "dropout": (drops, "model.dropout or model.input_dropout above 0"),
            "augment": (augments, "an augment"),
            "bootstrap": (self.trainer.bootstrap or bagging, "trainer.bootstrap=true"),
            "label_noise": (self.data.label_noise > 0, "data.label_noise above 0"),
            "pretrain": (not isinstance(self.pretrain, NoPretraining), "a pretrain"),
        }
        there, needed = missing.get(self.trainer.vary, (True, ""))
        if not there and not self.trainer.is_user_code:
            yield f"trainer.vary={self.trainer.vary} leaves nothing that varies: it needs {needed}"

    def _conflicts_of_whitening(self) -> Iterator[str]:
        """Refuse what would look at inputs before they are whitened."""
        if self.data.normalize != "whitened":
            return
        if self.trainer.is_user_code:
            yield (
                "data.normalize=whitened is not allowed with a training procedure of your own, "
                "which is given examples as they are stored"
            )
        if self.views.test_crops > 1 or self.views.test_flip:
            yield (
                "data.normalize=whitened is not allowed with augment.test_crops above 1 or "
                "augment.test_flip=true: a whitened image that is moved is not the whitened image "
                "of what was moved"
            )

    def _conflicts_of_heads(self) -> Iterator[str]:
        """Refuse heads where nobody knows the layers that they would share."""
        if self.data.labelled is not None and self.trainer.is_user_code:
            yield (
                f"data.labelled={self.data.labelled} is not allowed with a training procedure of "
                "your own, which is given examples with their labels; take data.train_size"
            )
        heads, model = self.heads, self.model
        if isinstance(heads, NoHeads):
            return
        if self.trainer.is_user_code:
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

    def _conflicts_of_user_code(self) -> Iterator[str]:
        """Refuse settings that could not do anything beside the user's own code."""
        if isinstance(self.model, Target):
            beside = f"is not allowed with model={self.model.name}"
            if self.init != He(name="he"):
                yield f"init={self.init.name} {beside}: a model of your own draws its own weights"
            if isinstance(self.penalty, MaxNorm | ActivationL1):
                yield f"penalty={self.penalty.name} {beside}: it has to know the layers of a model"
        if isinstance(self.optimizer, Target):
            lr = self.optimizer.arguments.get("lr")
            if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
                yield (
                    f"optimizer.lr={lr} is not allowed with optimizer={self.optimizer.name}: it "
                    "must be a number greater than 0, from which schedules start"
                )
        if self.trainer.is_user_code and not isinstance(self.ensemble, NoEnsemble):
            yield (
                f"ensemble={self.ensemble.name} is not allowed with a training procedure of your "
                "own: it has no members to combine"
            )
