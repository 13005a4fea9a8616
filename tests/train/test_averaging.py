"""Steps from the mean of several batches' gradients, and other forms of momentum, by hand."""

import numpy as np
import pytest
import torch

from ablate.config.optimizer import (
    Adam,
    MomentumSgd,
    OptimizerConfig,
    RmsProp,
    RmsPropMomentum,
    Sgd,
)
from ablate.config.penalty import NoPenalty
from ablate.train.optimizers import build_optimizer, update

SHAPE = (2, 4, 3)
LR = 0.05
RNG = np.random.default_rng(5)
PUSHES = [RNG.standard_normal(SHAPE) for _ in range(11)]
#: float64, a dozen steps of numbers near 1: rounding only.
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def trained(
    config: OptimizerConfig, pushes: list[np.ndarray] = PUSHES, clip: float | None = None
) -> list[np.ndarray]:
    """Return the weights at the start and after each batch."""
    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    optimizer = build_optimizer(config, [("w", weight)])
    seen = [weight.detach().numpy().copy()]
    for push in pushes:
        weight.grad = torch.from_numpy(push.copy())
        update(optimizer, LR, NoPenalty(), clip)
        assert weight.grad is None
        seen.append(weight.detach().numpy().copy())
    return seen


def test_a_step_every_so_many_batches_takes_their_mean() -> None:
    seen = trained(Sgd(name="sgd", average_over=3))
    expected = np.ones(SHAPE)
    for batch in range(1, len(PUSHES) + 1):
        if batch % 3 == 0:
            expected = expected - LR * np.mean(PUSHES[batch - 3 : batch], axis=0)
        np.testing.assert_allclose(seen[batch], expected, **CLOSE)
    assert (seen[3] == seen[5]).all()  # nothing moves in between


def test_a_window_moves_along_with_the_batches() -> None:
    seen = trained(Sgd(name="sgd", average_over=4, average_window=True))
    expected = np.ones(SHAPE)
    for batch in range(1, len(PUSHES) + 1):
        expected = expected - LR * np.mean(PUSHES[max(0, batch - 4) : batch], axis=0)
        np.testing.assert_allclose(seen[batch], expected, **CLOSE)


@pytest.mark.parametrize("window", [False, True])
def test_any_optimizer_steps_from_the_means(window: bool) -> None:
    config = Adam(name="adam", weight_decay=0.1, average_over=2, average_window=window)
    firsts = range(len(PUSHES)) if window else range(1, len(PUSHES), 2)
    means = [np.mean(PUSHES[max(0, last - 1) : last + 1], axis=0) for last in firsts]
    plain = config.model_copy(update={"average_over": 1})
    expected = trained(plain, means, clip=0.5)[-1]
    np.testing.assert_allclose(trained(config, clip=0.5)[-1], expected, **CLOSE)


def test_a_batch_without_a_gradient_counts_as_one_of_zero() -> None:
    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    idle = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    config = Sgd(name="sgd", average_over=2)
    optimizer = build_optimizer(config, [("w", weight), ("idle", idle)])
    for push in (PUSHES[0], None):
        weight.grad = None if push is None else torch.from_numpy(push.copy())
        update(optimizer, LR, NoPenalty(), None)
    np.testing.assert_allclose(weight.detach().numpy(), 1 - LR * PUSHES[0] / 2, **CLOSE)
    assert (idle == 1).all()


@pytest.mark.parametrize("window", [False, True])
@pytest.mark.parametrize("name", ["momentum", "adam", "rmsprop_momentum"])
def test_a_stack_has_the_bits_of_each_replicate_alone(name: str, window: bool) -> None:
    kinds = {"momentum": MomentumSgd, "adam": Adam, "rmsprop_momentum": RmsPropMomentum}
    more = {"nesterov": True} if name == "rmsprop_momentum" else {}
    config = kinds[name](name=name, average_over=3, average_window=window, **more)
    rng = np.random.default_rng(0)
    pushes = [rng.standard_normal((5, 1, 37)).astype(np.float32) for _ in range(10)]

    def run(rows: list[int]) -> torch.Tensor:
        weight = torch.nn.Parameter(torch.ones(len(rows), 1, 37))
        optimizer = build_optimizer(config, [("w", weight)])
        for push in pushes:
            weight.grad = torch.from_numpy(push[rows].copy())
            update(optimizer, 0.01, NoPenalty(), 1.0)
        return weight.detach()

    whole = run([0, 1, 2, 3, 4])
    assert not (whole == 1).any()
    for rows in ([3], [4, 1]):
        assert torch.equal(run(rows), whole[rows])


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_momentum_as_an_exponential_average(name: str) -> None:
    config = MomentumSgd(name=name, momentum=0.8, exponential_average=True, weight_decay=0.1)
    w, v = np.ones(SHAPE), np.zeros(SHAPE)
    for push, seen in zip(PUSHES, trained(config)[1:], strict=True):
        gradient = push + 0.1 * w
        v = 0.8 * v + 0.2 * gradient
        w = w - LR * (v if name == "momentum" else 0.2 * gradient + 0.8 * v)
        np.testing.assert_allclose(seen, w, **CLOSE)


def test_without_momentum_the_average_is_the_gradient() -> None:
    plain = trained(Sgd(name="sgd"))[-1]
    config = MomentumSgd(name="momentum", momentum=0.0, exponential_average=True)
    np.testing.assert_array_equal(trained(config)[-1], plain)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_rmsprop_with_nesterovs_momentum(decay: float) -> None:
    config = RmsPropMomentum(
        name="rmsprop_momentum", alpha=0.9, momentum=0.8, nesterov=True, weight_decay=decay
    )
    w, a, v = np.ones(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    for push, seen in zip(PUSHES, trained(config)[1:], strict=True):
        gradient = push + decay * w
        a = 0.9 * a + 0.1 * gradient**2
        divided = gradient / (np.sqrt(a) + 1e-8)
        v = 0.8 * v + divided
        w = w - LR * (divided + 0.8 * v)
        np.testing.assert_allclose(seen, w, **CLOSE)


def test_nesterovs_rmsprop_is_torchs_sgd_over_the_divided_gradients() -> None:
    """A reference that knows Nesterov's momentum, given what RMSProp divides."""
    config = RmsPropMomentum(name="rmsprop_momentum", momentum=0.7, nesterov=True)
    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    reference = torch.optim.SGD([weight], LR, momentum=0.7, nesterov=True)
    a = np.zeros(SHAPE)
    for push, seen in zip(PUSHES, trained(config)[1:], strict=True):
        a = 0.99 * a + 0.01 * push**2
        weight.grad = torch.from_numpy(push / (np.sqrt(a) + 1e-8))
        reference.step()
        np.testing.assert_allclose(seen, weight.detach().numpy(), **CLOSE)


def test_with_a_decay_of_zero_rmsprop_takes_steps_of_the_sign() -> None:
    seen = np.array(trained(RmsProp(name="rmsprop", alpha=0.0, eps=1e-12)))
    # eps over gradients of 1e-5 and more.
    np.testing.assert_allclose(np.diff(seen, axis=0), -LR * np.sign(PUSHES), rtol=1e-6)
