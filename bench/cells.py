"""The networks as run configs, and how their training is timed within a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.data import Data
from ablate.train.loop import train

from .networks import BATCH, Net

ADAM = {"name": "adam", "lr": 0.001}
#: Final scores are no part of what is timed, so few examples will do.
TEST = 500


def cell(
    net: Net,
    optimizer: dict[str, Any],
    train_size: int,
    validation_size: int,
    model: dict[str, Any] | None = None,
    **trainer: Any,
) -> RunConfig:
    """Return one epoch of `train_size` images in batches of 128, with the probe off."""
    return run_config(
        {
            "data": {
                "name": net.dataset,
                "train_size": train_size,
                "validation_size": validation_size,
                "test_size": TEST,
            },
            "model": net.model if model is None else model,
            "optimizer": optimizer,
            "trainer": {"epochs": 1, "batch_size": BATCH, **trainer},
            "probe": {"steps": "off"},
        }
    )


def epoch_of(config: RunConfig, data: Data, replicates: Sequence[int]) -> Callable[[], float]:
    """Return a contender: the seconds of one epoch within a call to `train`.

    From the evaluation before the first step to the end of the one after the last: all steps
    and one evaluation. Set-up and final scores are left out.
    """

    def contender() -> float:
        before, after = train(config, data, replicates)[0].evaluated_at
        return after - before

    return contender
