"""How well heads do on the test set, at the end of training."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ablate.nn.heads import Headed
from ablate.train import BATCH
from ablate.train.heads import RECONSTRUCTION
from ablate.train.prepare import Stack


@torch.no_grad()
def scores_beside(stack: Stack) -> list[dict[str, float]]:
    """Return of each replicate what its heads are scored, by the names of final metrics.

    test/reconstruction/error  mean squared error over test examples and input numbers
    test/NAME/...              scores of another target, as its task has them

    Empty where there are no heads; an output that is not finite has no scores. Call it where
    population statistics have been settled.
    """
    if stack.heads is None:
        return [{} for _ in stack.streams]
    assert isinstance(stack.network, Headed)
    heads, network = stack.heads, stack.network
    found: list[dict[str, float]] = [{} for _ in stack.streams]
    network.eval()
    if not heads.others:
        for r, error in enumerate(_errors(stack, network)):
            if math.isfinite(error):
                found[r]["test/reconstruction/error"] = error
    parts: dict[str, list[np.ndarray]] = {name: [] for name in heads.others}
    for indices in _batches(stack) if parts else ():
        outputs = _outputs(stack, network, stack.test.batch(indices)[0])
        for name, other in heads.others.items():
            parts[name].append(outputs[other.head].float().cpu().numpy())
    network.train()
    for name, other in heads.others.items():
        targets = other.test.targets(stack.test_indices).cpu().numpy()
        for r, own in enumerate(np.concatenate(parts[name], axis=1)):
            scores = other.task.scores(own, targets[r])
            found[r] |= {f"test/{name}/{score}": value for score, value in scores.items()}
    return found


def _errors(stack: Stack, network: Headed) -> list[float]:
    """Return each replicate's mean squared error, summed in float64 a replicate at a time."""
    totals = [0.0] * len(stack.streams)
    for indices in _batches(stack):
        inputs, _ = stack.test.batch(indices)
        outputs = _outputs(stack, network, inputs)[RECONSTRUCTION].float()
        squares = (outputs - inputs.flatten(2)).square().cpu().numpy()
        for r, own in enumerate(squares):
            totals[r] += float(own.sum(dtype=np.float64))
    numbers = stack.test_indices.shape[1] * math.prod(stack.test.inputs)
    return [total / numbers for total in totals]


def _batches(stack: Stack) -> Sequence[Tensor]:
    return torch.split(stack.test_indices, BATCH, dim=1)


def _outputs(stack: Stack, network: Headed, inputs: Tensor) -> Mapping[str, Tensor]:
    with stack.autocast():
        return network.outputs_beside(inputs)
