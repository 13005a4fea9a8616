"""Everything a stack of replicates needs before its first step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ablate import nn
from ablate.config import RunConfig
from ablate.config.augment import Augment
from ablate.config.target import Target
from ablate.data import Data, Split, split, split_statistics
from ablate.data.augmentation import Mix, augment, mixed, mixup
from ablate.data.user_augment import UserAugment, build_user_augment
from ablate.data.views import view_count
from ablate.streams import Streams
from ablate.train.batches import Examples, Scaling, examples, scaling
from ablate.train.evaluate import BATCH
from ablate.train.losses import Loss, build_loss

#: Examples that a data-dependent initialization sees.
_INIT_BATCH = 128


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step sees: inputs (R, B, *inputs), labels (R, B), and how examples are mixed."""

    inputs: Tensor
    labels: Tensor
    mix: Mix | None


@dataclass(frozen=True, eq=False)
class Task:
    """A stack of R replicates of one cell, ready to train.

    streams     per replicate
    network     initialized, on the device, in training mode
    training    the examples trained on, and per replicate which: int64 (R, n)
    validation  likewise; None where there are none
    test        likewise
    steps       of the whole training
    loss        what is minimized, per replicate
    change      an augmentation of the user's own
    """

    config: RunConfig
    streams: tuple[Streams, ...]
    network: nn.Network
    training: Examples
    training_indices: Tensor
    validation: Examples
    validation_indices: Tensor
    test: Examples
    test_indices: Tensor
    steps_per_epoch: int
    steps: int
    loss: Loss
    change: UserAugment | None = None

    @property
    def is_probed(self) -> bool:
        """Tell whether there is anything to look at: a user's own model may have no layers."""
        return self.config.probe.steps != "off" and bool(self.network.layer_names)

    @property
    def views(self) -> int:
        """How many views of each test image are averaged."""
        augment = self.config.augment
        return view_count(augment) if isinstance(augment, Augment) else 1

    def order(self, epoch: int) -> Tensor:
        """Return indices of the training examples in the order of `epoch`, (R, n)."""
        examples = self.training_indices.shape[1]
        orders = [s.numpy("order", epoch).permutation(examples) for s in self.streams]
        positions = torch.from_numpy(np.stack(orders)).to(self.training_indices.device)
        return self.training_indices.gather(1, positions)

    def batch(self, indices: Tensor, epoch: int, step: int) -> Batch:
        """Return training examples as they are trained on, augmented and mixed."""
        config = self.config.augment
        if isinstance(config, Target):
            own = self.change
            assert own is not None
            stream = self.streams[0].torch("augment", step, str(indices.device))
            return Batch(*self.training.batch(indices, lambda images: own(images, stream)), None)
        if not config.changes_training:
            inputs, labels = self.training.batch(indices)
            return Batch(inputs, labels, None)

        def change(images: Tensor) -> Tensor:
            size, bounded = len(self.training.y), self.training.x.dtype == torch.uint8
            return augment(config, images, indices, self.streams, epoch, step, size, bounded)

        inputs, labels = self.training.batch(indices, change)
        mix = mixup(config, self.streams, step, indices.shape[1])
        return Batch(inputs if mix is None else mixed(inputs, mix), labels, mix)

    def population(self) -> Iterator[Tensor]:
        """Return the inputs of the whole training split, batch by batch."""
        for indices in self.training_indices.split(BATCH, dim=1):  # type: ignore[no-untyped-call]
            yield self.training.batch(indices)[0]


def prepare(config: RunConfig, data: Data, streams: Sequence[Streams], device: str) -> Task:
    """Split and scale the data, build and initialize the network of each replicate.

    Members of an ensemble share the split of their replicate, so that they can be compared on
    the same validation examples; with bagging, or where the config says so, each trains on a
    bootstrap sample of it.
    """
    where = torch.device(device)
    streams = tuple(streams)
    splits = [split(data, config.data, replace(s, member=0)) for s in streams]
    batch_size = config.trainer.batch_size
    room = max(batch_size, BATCH, _INIT_BATCH)

    x, y = data.train
    rule = _scaling(config, data, splits, where)
    training = examples(x, y, rule, room, where)
    chosen = [part.train for part in splits]
    if config.ensemble.name == "bagging" or config.trainer.bootstrap:
        chosen = [bootstrap(part, s) for part, s in zip(chosen, streams, strict=True)]
    training_indices = torch.stack(chosen).to(where)
    held_out = [part.validation for part in splits if part.validation is not None]
    if data.validation is None:
        validation, validation_indices = training, torch.stack(held_out).to(where)
    else:
        validation = examples(*data.validation, rule, room, where)
        validation_indices = _all_of(data.validation[1], len(streams), where)

    inputs = tuple(x.shape[1:])
    network: nn.Network
    if isinstance(config.model, Target):
        network = nn.build_user_stack(config.model, inputs, data.classes, streams, where)
    else:
        network = nn.build(config.model, inputs, data.classes, len(streams)).to(where)
    steps_per_epoch = -(-training_indices.shape[1] // batch_size)
    task = Task(
        config=config,
        streams=streams,
        network=network,
        training=training,
        training_indices=training_indices,
        validation=validation,
        validation_indices=validation_indices,
        test=examples(*data.test, rule, room, where),
        test_indices=_all_of(data.test[1], len(streams), where),
        steps_per_epoch=steps_per_epoch,
        steps=config.trainer.epochs * steps_per_epoch,
        loss=build_loss(config),
        change=build_user_augment(config.augment) if isinstance(config.augment, Target) else None,
    )
    network.train()
    if not isinstance(config.model, Target):
        batch = None
        if config.init.name == "lsuv":
            batch, _ = training.batch(task.order(0)[:, :_INIT_BATCH])
        network.seed_dropout(streams, device)  # lsuv looks at the network as it trains
        nn.initialize(network, config.init, config.model, streams, batch)
    network.seed_dropout(streams, device)  # and training starts its masks from the beginning
    return task


def bootstrap(indices: Tensor, streams: Streams) -> Tensor:
    """Return as many of `indices` (n,), drawn with replacement (Breiman 1996)."""
    draws = streams.numpy("bootstrap").integers(0, len(indices), len(indices))
    return indices[torch.from_numpy(draws)]


def _scaling(
    config: RunConfig, data: Data, splits: Sequence[Split], device: torch.device
) -> Scaling:
    """Scale by statistics of each replicate's own training split, or not at all."""
    x, _ = data.train
    statistics = None
    if config.data.normalize:
        statistics = [split_statistics(data, part.train) for part in splits]
    return scaling(x.dtype, tuple(x.shape[1:]), statistics, len(splits), device)


def _all_of(labels: Tensor, replicates: int, device: torch.device) -> Tensor:
    return torch.arange(len(labels), device=device).expand(replicates, -1)
