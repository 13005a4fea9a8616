"""The validated config of one cell: everything that decides a run's numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ablate.config.base import Count, Frozen, Positive, PositiveFloat
from ablate.config.data import DataConfig
from ablate.config.init import He, InitConfig
from ablate.config.model import ModelConfig
from ablate.config.training import (
    ConstantSchedule,
    OptimizerConfig,
    Probe,
    ScheduleConfig,
    Trainer,
)


class RunConfig(Frozen):
    """One cell. Groups are chosen by `name`, values by dotted key (`optimizer.lr`)."""

    data: DataConfig
    model: ModelConfig
    init: InitConfig = Field(default=He(name="he"))
    optimizer: OptimizerConfig
    schedule: ScheduleConfig = Field(default=ConstantSchedule(name="constant"))
    trainer: Trainer = Trainer()
    probe: Probe = Probe()
    seed: Count = 0


class Launch(Frozen):
    """How the worker pool runs; no part of any result.

    workers   processes, one thread each; null: one per core
    timeout   seconds after which a hung run is ended and counted as failed; null: never
    on_error  `continue`: the other runs finish; `stop`: start nothing new
    """

    workers: Positive | None = None
    timeout: PositiveFloat | None = None
    on_error: Literal["continue", "stop"] = "continue"
