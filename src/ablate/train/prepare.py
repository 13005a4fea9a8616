"""Everything a stack of replicates needs before its first step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.data import Data, split, split_statistics, training_labels
from ablate.data.augmentation import Change, Mix, build_change, mixed, mixup
from ablate.nn.architectures import Shape
from ablate.nn.models import build_network
from ablate.nn.network import Network
from ablate.streams import Streams
from ablate.tasks import Task, build_task
from ablate.train import BATCH
from ablate.train.batches import Examples, examples, scaling, whitened
from ablate.train.heads import Heads, Shown, build_heads, head_shapes
from ablate.train.losses import Loss, build_loss

#: Examples that a data-dependent initialization sees.
_INIT_BATCH = 128


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step sees: inputs (R, B, *inputs), targets (R, B, ...), and how they are mixed.

    shown  what heads see besides; None where there are none
    """

    inputs: Tensor
    targets: Tensor
    mix: Mix | None
    shown: Shown | None = None


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack of R replicates of one cell, ready to train.

    task        what is predicted, and how it is scored
    streams     per replicate
    network     initialized, on the device, in training mode
    training    the examples trained on, and per replicate which: int64 (R, n)
    validation  likewise, by their true targets
    test        likewise
    steps       of the whole training
    loss        what is minimized, per replicate
    change      what augments training images; None where nothing does
    heads       what is learnt beside the task; None where nothing is
    """

    config: RunConfig
    task: Task
    streams: tuple[Streams, ...]
    network: Network
    training: Examples
    training_indices: Tensor
    validation: Examples
    validation_indices: Tensor
    test: Examples
    test_indices: Tensor
    steps_per_epoch: int
    steps: int
    loss: Loss
    change: Change | None
    heads: Heads | None

    @property
    def is_probed(self) -> bool:
        """Tell whether there is anything to look at: a user's own model may have no layers."""
        return self.config.probe.steps != "off" and bool(self.network.layer_names)

    def autocast(self) -> torch.autocast:
        """Return the context in which forward passes run."""
        half = self.config.trainer.precision == "bf16"
        return torch.autocast(self.test.x.device.type, dtype=torch.bfloat16, enabled=half)

    def order(self, epoch: int) -> Tensor:
        """Return indices of the training examples in the order of `epoch`, (R, n)."""
        return ordered(self.training_indices, self.streams, epoch)

    def batch(self, indices: Tensor, epoch: int, step: int) -> Batch:
        """Return training examples as they are trained on, augmented and mixed."""
        change = self.change
        inputs, targets = self.training.batch(
            indices, None if change is None else lambda x: change(x, indices, epoch, step)
        )
        mix = mixup(self.config.views, self.streams, step, indices.shape[1])
        shown = None if self.heads is None else self.heads.shown(indices, step)
        return Batch(inputs if mix is None else mixed(inputs, mix), targets, mix, shown)

    def population(self) -> Iterator[Tensor]:
        """Yield the inputs of all that the task is trained on, batch by batch."""
        for indices in self.training_indices.split(BATCH, dim=1):  # type: ignore[no-untyped-call]
            yield self.training.batch(indices)[0]


def prepare(config: RunConfig, data: Data, streams: Sequence[Streams], device: str) -> Stack:
    """Split and scale the data, build and initialize the network of each replicate.

    Members of an ensemble share the split of their replicate, so that they can be compared on
    the same validation examples; with bagging, or where the config says so, each trains on a
    bootstrap sample of it.
    """
    where, task = torch.device(device), build_task(config, data.task)
    streams = tuple(streams)
    splits = [split(data, config.data, replace(s, member=0)) for s in streams]
    batch_size = config.trainer.batch_size
    room = max(batch_size, getattr(config.pretrain, "batch_size", None) or 0, BATCH, _INIT_BATCH)

    x, y = data.train
    statistics = None
    if config.data.normalize and not data.vocabulary:  # by each replicate's own training split
        statistics = [split_statistics(data, part.train) for part in splits]
    rule = scaling(x, statistics, len(splits), where)
    if config.data.normalize == "whitened":
        rule = whitened(rule, x, [part.train for part in splits], config.data.whitening_eps)

    def placed(x: Tensor, y: Tensor) -> Examples:
        """Put examples on the device, their targets in units of what each replicate trains on."""
        there = examples(x, y, rule, room)
        own = [task.scaled(y, data.train[1][part.labelled]) for part in splits]
        if all(targets is y for targets in own):
            return there
        return replace(there, y=torch.stack(own).to(where), has_own=True)

    stored = training = placed(x, y)
    if config.data.label_noise:
        labels = [training_labels(data, config.data, own) for own in streams]
        training = replace(stored, y=torch.stack(labels).to(where), has_own=True)
    chosen = [part.labelled for part in splits]
    if config.ensemble.name == "bagging" or config.trainer.bootstrap:
        chosen = [bootstrap(own, s) for own, s in zip(chosen, streams, strict=True)]
    training_indices = torch.stack(chosen).to(where)
    if data.validation is None:
        held_out = [part.validation for part in splits if part.validation is not None]
        validation, validation_indices = stored, torch.stack(held_out).to(where)
    else:
        validation = placed(*data.validation)
        validation_indices = _all_of(data.validation[1], len(streams), where)

    def first_batch() -> Tensor:
        return training.batch(ordered(training_indices, streams, 0)[:, :_INIT_BATCH])[0]

    shape, test = Shape(tuple(x.shape[1:]), data.vocabulary, task.per_token), placed(*data.test)
    steps_per_epoch = -(-training_indices.shape[1] // batch_size)
    return Stack(
        config=config,
        task=task,
        streams=streams,
        network=build_network(
            config,
            shape,
            task.outputs(y, data.classes),
            streams,
            device,
            first_batch,
            head_shapes(config, shape.inputs, data),
        ),
        training=training,
        training_indices=training_indices,
        validation=validation,
        validation_indices=validation_indices,
        test=test,
        test_indices=_all_of(data.test[1], len(streams), where),
        steps_per_epoch=steps_per_epoch,
        steps=config.trainer.steps_for(training_indices.shape[1]),
        loss=build_loss(config, task, streams[0]),
        change=build_change(config.augment, streams, len(y), x.dtype == torch.uint8),
        heads=build_heads(config, data, splits, streams, training, test),
    )


def ordered(indices: Tensor, streams: Sequence[Streams], epoch: int) -> Tensor:
    """Return `indices` (R, n) in the order in which each replicate sees them in `epoch`."""
    orders = [s.numpy("order", epoch).permutation(indices.shape[1]) for s in streams]
    return indices.gather(1, torch.from_numpy(np.stack(orders)).to(indices.device))


def bootstrap(indices: Tensor, streams: Streams) -> Tensor:
    """Return as many of `indices` (n,), drawn with replacement (Breiman 1996)."""
    draws = streams.numpy("bootstrap").integers(0, len(indices), len(indices))
    return indices[torch.from_numpy(draws)]


def _all_of(labels: Tensor, replicates: int, device: torch.device) -> Tensor:
    return torch.arange(len(labels), device=device).expand(replicates, -1)
