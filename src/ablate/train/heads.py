"""What is trained beside the task: further targets, or the inputs themselves."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ablate.config import RunConfig
from ablate.config.heads import NoHeads, Others, Reconstruction
from ablate.config.target import Target
from ablate.data import Data, Split
from ablate.data.augmentation import Mix
from ablate.errors import ConfigError
from ablate.nn.architectures import depth_of
from ablate.nn.heads import Headed, HeadShape
from ablate.nn.network import Network
from ablate.streams import Streams
from ablate.tasks import Task
from ablate.tasks.build import natural_task
from ablate.tasks.task import in_float
from ablate.train.batches import Examples, chosen

RECONSTRUCTION = "reconstruction"
#: What stands before another target's name where heads are called, and their random streams.
_OTHER = "others."


@dataclass(frozen=True, eq=False)
class Beside:
    """Another target that a head predicts.

    head      as the network calls it
    task      what it is, and how it is scored
    training  whose targets are its own, in the units of what each replicate trains on
    test      likewise
    """

    head: str
    task: Task
    training: Examples
    test: Examples


@dataclass(frozen=True, eq=False)
class Shown:
    """What heads see of one step besides the inputs of the batch.

    targets    of each other target, (R, B, ...), by its name
    unlabelled inputs (R, U, *inputs) to be reconstructed in the place of the batch's; or None
    """

    targets: Mapping[str, Tensor]
    unlabelled: Tensor | None


@dataclass(frozen=True, eq=False)
class Heads:
    """What the heads of a stack learn.

    weight      of each head's loss
    others      further targets by name; none where the inputs are reconstructed
    unlabelled  gives the inputs (R, U, *inputs) of a step, of all training examples; None where
                heads see the batch of the task
    """

    weight: float
    others: Mapping[str, Beside]
    unlabelled: Callable[[int], Tensor] | None

    def shown(self, indices: Tensor, step: int) -> Shown:
        """Return what heads see beside the training examples `indices` (R, B)."""
        targets = {name: other.training.targets(indices) for name, other in self.others.items()}
        return Shown(targets, None if self.unlabelled is None else self.unlabelled(step))

    def outputs(
        self, network: Network, inputs: Tensor, shown: Shown, tap: Callable[..., None] | None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the task's outputs (R, B, K) and those of the heads."""
        assert isinstance(network, Headed)
        if shown.unlabelled is None:
            return network.all_outputs(inputs, tap)
        return network(inputs, tap), network.outputs_beside(shown.unlabelled)

    def loss(
        self, outputs: Mapping[str, Tensor], inputs: Tensor, shown: Shown, mix: Mix | None
    ) -> Tensor:
        """Return the weighted sum (R,) of the heads' losses.

        inputs  of the batch, as the network was given them
        """
        if not self.others:
            wanted = inputs if shown.unlabelled is None else shown.unlabelled
            return self.weight * squared_error(outputs[RECONSTRUCTION], wanted)
        losses = []
        for name, other in self.others.items():
            own, targets = outputs[other.head], shown.targets[name]
            loss = other.task.loss(own, targets)
            if mix is not None:
                partner = other.task.loss(own, chosen(targets, mix.partner))
                loss = mix.share * loss + (1 - mix.share) * partner
            losses.append(loss)
        return self.weight * functools.reduce(torch.add, losses)


def squared_error(outputs: Tensor, inputs: Tensor) -> Tensor:
    """Return the mean square (R,) over examples and numbers of outputs (R, B, D) less inputs."""
    return (in_float(outputs) - inputs.flatten(2)).square().mean(dim=(1, 2))


def head_shapes(config: RunConfig, inputs: tuple[int, ...], data: Data) -> tuple[HeadShape, ...]:
    """Return the heads that a network is to have.

    inputs  shape of one example

    Raises ConfigError where the data has no other target.
    """
    heads = config.heads
    if isinstance(heads, NoHeads):
        return ()
    assert not isinstance(config.model, Target)  # refused
    depth = depth_of(config.model)
    shared = depth if heads.shared is None else heads.shared
    if isinstance(heads, Reconstruction):
        return (HeadShape(RECONSTRUCTION, math.prod(inputs), shared),)
    if not data.others:
        raise ConfigError(f"heads=others: data={config.data.name} has no other target.")
    return tuple(
        HeadShape(
            f"{_OTHER}{name}",
            natural_task(other.task).outputs(other.train, other.classes),
            shared,
        )
        for name, other in data.others.items()
    )


def build_heads(
    config: RunConfig,
    data: Data,
    splits: Sequence[Split],
    streams: Sequence[Streams],
    training: Examples,
    test: Examples,
) -> Heads | None:
    """Return what is learnt beside the task, None where nothing is.

    training, test  the examples of the task
    """
    heads = config.heads
    if isinstance(heads, NoHeads):
        return None
    if isinstance(heads, Others):
        others = {}
        for name, other in data.others.items():
            task = natural_task(other.task)

            def placed(
                there: Examples, y: Tensor, task: Task = task, trained: Tensor = other.train
            ) -> Examples:
                own = [task.scaled(y, trained[part.labelled]) for part in splits]
                return replace(there, y=torch.stack(own).to(there.x.device), has_own=True)

            others[name] = Beside(
                f"{_OTHER}{name}", task, placed(training, other.train), placed(test, other.test)
            )
        return Heads(heads.weight, others, None)
    unlabelled = None
    if config.data.labelled is not None:
        indices = torch.stack([part.train for part in splits]).to(training.x.device)
        unlabelled = _all_examples(training, indices, streams, config.trainer.batch_size)
    return Heads(heads.weight, {}, unlabelled)


def _all_examples(
    training: Examples, indices: Tensor, streams: Sequence[Streams], batch_size: int
) -> Callable[[int], Tensor]:
    """Return what gives the inputs of a step, in orders of their own: epoch after epoch.

    indices  of all training examples, (R, n)

    The last batch of an epoch may be smaller, as it may be of the task's.
    """
    # Room of its own: the task's batch is still needed when this one is made.
    room = replace(
        training,
        stored=torch.empty_like(training.stored),
        scaled=torch.empty_like(training.scaled),
    )
    batches = -(-indices.shape[1] // batch_size)

    @functools.lru_cache(maxsize=1)
    def order(epoch: int) -> Tensor:
        rows = [
            s.numpy("order", f"unlabelled {epoch}").permutation(indices.shape[1]) for s in streams
        ]
        return indices.gather(1, torch.from_numpy(np.stack(rows)).to(indices.device))

    def inputs(step: int) -> Tensor:
        epoch, number = divmod(step, batches)
        return room.batch(order(epoch)[:, number * batch_size :][:, :batch_size])[0]

    return inputs
