"""Losses and gradients of every task are the same bits alone and in any stack."""

import pytest
import torch
from torch import Tensor

from ablate.tasks import Task
from ablate.tasks.classification import Classification
from ablate.tasks.multilabel import Multilabel
from ablate.tasks.next_token import NextToken
from ablate.tasks.regression import Regression

TASKS: dict[str, Task] = {
    "classification": Classification(),
    "smoothed": Classification(label_smoothing=0.1),
    "regression": Regression(),
    "absolute": Regression(error="absolute"),
    "multilabel": Multilabel(),
    "next_token": NextToken(),
}
#: Of examples and outputs: what fills vectors of 8 and 16 numbers, of 8 alone, and none.
SIZES = [(64, 4), (20, 4), (6, 4), (17, 3), (50, 5), (200, 5), (1, 1)]


def loss_and_gradient(task: Task, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    given = outputs.clone().requires_grad_()
    loss = task.loss(given, targets)
    loss.sum().backward()
    assert given.grad is not None
    return loss.detach(), given.grad


def sample(name: str, examples: int, outputs: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(examples)
    of_a_token = (7,) if name == "next_token" else ()
    z = 3 * torch.randn(5, examples, *of_a_token, outputs, generator=generator)
    if name in ("classification", "smoothed", "next_token"):
        return z, torch.randint(outputs, z.shape[:-1], generator=generator)
    return z, (torch.rand(z.shape, generator=generator) > 0.5).float()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", TASKS)
def test_a_replicate_has_the_same_bits_alone_and_in_a_stack(
    name: str, size: tuple[int, int]
) -> None:
    outputs, targets = sample(name, *size)
    losses, gradients = loss_and_gradient(TASKS[name], outputs, targets)
    for replicate in range(len(outputs)):
        own = slice(replicate, replicate + 1)
        loss, gradient = loss_and_gradient(TASKS[name], outputs[own], targets[own])
        assert torch.equal(loss, losses[own])
        assert torch.equal(gradient, gradients[own])
