"""The networks that are measured, as run configs, and how their training is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.data import Data
from ablate.records import Record
from ablate.train import train

BATCH = 128
#: 784-256-256-10, plain; the width at which products, not overhead, fill the time.
WIDE: dict[str, Any] = {"name": "mlp", "depth": 2, "width": 256}
#: 784-64-128-64-10 with batch normalization: small products, much between them.
THIN: dict[str, Any] = {"name": "mlp", "depth": None, "width": [64, 128, 64], "norm": "batch"}
MOMENTUM = {"name": "momentum", "lr": 0.02}
ADAM = {"name": "adam", "lr": 0.001}


def cell(
    model: dict[str, Any], optimizer: dict[str, Any], train_size: int, validation_size: int
) -> RunConfig:
    """Return one epoch of `train_size` MNIST images in batches of 128, with the probe off."""
    return run_config(
        {
            "data": {
                "name": "mnist",
                "train_size": train_size,
                "validation_size": validation_size,
            },
            "model": model,
            # What torch.nn.Linear does, so that the peers of `bench.peers` start alike.
            "init": {"name": "uniform"},
            "optimizer": optimizer,
            "trainer": {"epochs": 1, "batch_size": BATCH},
            "probe": {"steps": "off"},
        }
    )


def epoch_of(
    config: RunConfig,
    data: Data,
    replicates: Sequence[int],
    keep: Callable[[list[Record]], None] = lambda _: None,
) -> Callable[[], float]:
    """Return a contender: the seconds of one epoch within a call to `train`.

    From the evaluation before the first step to the end of the one after the last: all steps
    and one evaluation. Set-up and final scores are left out.
    """

    def contender() -> float:
        records = train(config, data, replicates)
        keep(records)
        before, after = records[0].evaluated_at
        return after - before

    return contender
