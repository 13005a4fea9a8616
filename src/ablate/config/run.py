"""The validated config of one cell: everything that decides a run's numbers."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from ablate.config.augment import Augment
from ablate.config.base import Count, Frozen
from ablate.config.conflicts import conflicts
from ablate.config.data import DataConfig
from ablate.config.ensemble import EnsembleConfig, NoEnsemble
from ablate.config.heads import HeadsConfig, NoHeads
from ablate.config.init import He, InitConfig
from ablate.config.loss import CrossEntropy
from ablate.config.model import ModelConfig
from ablate.config.optimizer import OptimizerConfig
from ablate.config.penalty import (
    NoPenalty,
    PenaltyConfig,
)
from ablate.config.pretrain import NoPretraining, PretrainConfig
from ablate.config.probe import Probe
from ablate.config.schedule import ConstantSchedule, ScheduleConfig
from ablate.config.stopping import NoStopping, StoppingConfig
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
        for conflict in conflicts(self):
            raise ValueError(conflict)
        return self
