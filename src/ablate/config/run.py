"""The validated config of one cell: everything that decides a run's numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.config.base import Count, Frozen, Positive, PositiveFloat
from ablate.config.data import DataConfig
from ablate.config.ensemble import EnsembleConfig, McDropout, NoEnsemble, Snapshot
from ablate.config.init import He, InitConfig
from ablate.config.model import ModelConfig
from ablate.config.optimizer import Lbfgs, OptimizerConfig
from ablate.config.regularization import (
    Augment,
    CrossEntropy,
    LossConfig,
    MaxNorm,
    NoPenalty,
    NoStopping,
    PenaltyConfig,
    StoppingConfig,
)
from ablate.config.schedule import ConstantSchedule, ScheduleConfig
from ablate.config.training import Probe, Trainer


class RunConfig(Frozen):
    """One cell. Groups are chosen by `name`, values by dotted key (`optimizer.lr`)."""

    data: DataConfig
    model: ModelConfig
    init: InitConfig = Field(default=He(name="he"))
    loss: LossConfig = CrossEntropy()
    optimizer: OptimizerConfig
    schedule: ScheduleConfig = Field(default=ConstantSchedule(name="constant"))
    penalty: PenaltyConfig = NoPenalty()
    augment: Augment = Augment()
    ensemble: EnsembleConfig = NoEnsemble()
    stopping: StoppingConfig = NoStopping()
    trainer: Trainer = Trainer()
    probe: Probe = Probe()
    seed: Count = 0

    @property
    def trains_alone(self) -> bool:
        """Tell whether replicates cannot share a program: they would share steps or rates."""
        return self.optimizer.name == "lbfgs" or self.schedule.name == "plateau"

    @model_validator(mode="after")
    def _options_that_go_together(self) -> RunConfig:
        """Refuse, in one sentence, the few pairs of options that mean nothing together."""
        drops = self.model.dropout > 0 or self.model.input_dropout > 0
        if isinstance(self.optimizer, Lbfgs):
            if drops:
                raise ValueError(
                    "optimizer=lbfgs is not allowed with dropout: its line search needs a loss "
                    "that stays the same from one look to the next"
                )
            if not isinstance(self.penalty, NoPenalty | MaxNorm):
                raise ValueError(
                    f"optimizer=lbfgs is not allowed with penalty={self.penalty.name}: its line "
                    "search needs a smooth loss; allowed are none or max_norm"
                )
        if isinstance(self.ensemble, McDropout) and not drops:
            raise ValueError(
                "ensemble=mc_dropout needs dropout: set model.dropout or model.input_dropout "
                "above 0"
            )
        if isinstance(self.ensemble, Snapshot) and not isinstance(self.stopping, NoStopping):
            raise ValueError(
                "ensemble=snapshot is not allowed with stopping=patience: its snapshots are "
                "spread over the whole training"
            )
        if isinstance(self.ensemble, Snapshot) and not self.trainer.epochs:
            raise ValueError("ensemble=snapshot needs training: trainer.epochs is 0")
        return self


class Launch(Frozen):
    """How the worker pool runs; no part of any result.

    workers   processes, one thread each; null: one per core
    timeout   seconds after which a hung run is ended and counted as failed; null: never
    on_error  `continue`: the other runs finish; `stop`: start nothing new
    """

    workers: Positive | None = None
    timeout: PositiveFloat | None = None
    on_error: Literal["continue", "stop"] = "continue"
