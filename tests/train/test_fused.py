"""Fused steps against torch's own optimizers."""

import pytest
import torch

from ablate.config.optimizer import Adagrad, Adam, AdamW, MomentumSgd, Sgd
from ablate.train.fused import Fused
from ablate.train.optimizers import build_optimizer

KINDS = {
    "sgd": (Sgd(name="sgd", lr=0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (
        MomentumSgd(name="momentum", lr=0.1), lambda p: torch.optim.SGD(p, 0.1, 0.9)
    ),
    "nesterov": (
        MomentumSgd(name="nesterov", lr=0.1),
        lambda p: torch.optim.SGD(p, 0.1, 0.9, nesterov=True),
    ),
    "adagrad": (Adagrad(name="adagrad"), lambda p: torch.optim.Adagrad(p, 0.01)),
    "adam": (Adam(name="adam"), lambda p: torch.optim.Adam(p, 0.001)),
    "adamw": (AdamW(name="adamw"), lambda p: torch.optim.AdamW(p, 0.001, weight_decay=0.01)),
}  # fmt: skip


def steps(parameters, optimizer, with_gradient):
    generator = torch.Generator().manual_seed(1)
    for number in range(30):
        for place, parameter in enumerate(parameters):
            push = torch.randn(parameter.shape, generator=generator)
            parameter.grad = push if with_gradient(number, place) else None
        optimizer.step()
    return [p.detach() for p in parameters]


def parameters():
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 4, 8), (2, 3, 7), (2, 5, 1))
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "with_gradient",
    [lambda number, place: True, lambda number, place: (number + place) % 3 > 0],
    ids=["always", "at times"],
)
def test_the_steps_are_those_of_torch(kind, with_gradient):
    """Sizes that fill vectors and sizes that do not; a tensor without a gradient stays as it is."""
    config, reference = KINDS[kind]
    own = parameters()
    optimizer = build_optimizer(config, [(str(i), p) for i, p in enumerate(own)])
    assert isinstance(optimizer, Fused)
    found = steps(own, optimizer, with_gradient)
    theirs = parameters()
    expected = steps(theirs, reference(theirs), with_gradient)
    for one, other in zip(found, expected, strict=True):
        # fused and other kernels round differently: 30 steps of float32 (6e-8)
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_a_parameter_that_never_has_a_gradient_stays():
    own = parameters()
    optimizer = build_optimizer(AdamW(name="adamw"), [(str(i), p) for i, p in enumerate(own)])
    before = [p.detach().clone() for p in own]
    found = steps(own, optimizer, lambda number, place: place == 0)
    assert not torch.equal(found[0], before[0])
    assert all(torch.equal(a, b) for a, b in zip(found[1:], before[1:], strict=True))
