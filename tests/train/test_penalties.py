"""Penalties: gradients, proximal steps, norms, and the closed forms of quadratic losses."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ablate.config.optimizer import Adam, Sgd
from ablate.config.penalty import L1, ElasticNet, MaxNorm, NoPenalty
from ablate.train.optimizers import build_optimizer, clip, update
from ablate.train.penalties import add_gradients, project


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def with_gradient(weight: Tensor) -> Tensor:
    weight = weight.clone()
    weight.grad = torch.zeros_like(weight)
    return weight


@pytest.mark.parametrize(
    ("penalty", "value"),
    [
        (L1(name="l1", strength=0.3), lambda w: 0.3 * w.abs().sum()),
        (
            ElasticNet(name="elastic_net", strength=0.3, l2=0.7),
            lambda w: 0.3 * w.abs().sum() + 0.35 * (w**2).sum(),
        ),
    ],
    ids=["l1", "elastic_net"],
)
def test_gradients_are_those_of_the_penalty(penalty, value) -> None:
    weight = with_gradient(normal(2, 3, 4))
    add_gradients(penalty, [weight])
    variable = weight.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(value(variable), [variable])
    torch.testing.assert_close(weight.grad, expected)
    step = 1e-5
    for place in range(24):
        moved = [variable.detach().clone().view(-1) for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        slope = (value(moved[0]) - value(moved[1])) / (2 * step)
        assert abs(float(slope - weight.grad.view(-1)[place])) < 1e-6


@given(st.floats(-3, 3), st.floats(0, 2))
def test_the_proximal_step_minimizes_its_definition(w: float, threshold: float) -> None:
    """prox(w) = argmin_v (v - w)^2 / 2 + threshold |v|: no point of a fine grid does better."""
    weight = torch.tensor([[[w]]], dtype=torch.float64)
    project(L1(name="l1", strength=threshold, proximal=True), [weight], lr=1.0)
    grid = np.append(np.linspace(-4, 4, 4001), float(weight))
    values = (grid - w) ** 2 / 2 + threshold * np.abs(grid)
    assert values[-1] <= values.min() + 1e-12
    if abs(w) <= threshold:
        assert float(weight) == 0


# A quadratic loss with known minimum: 1/2 sum H (w - w*)^2.
H = torch.tensor([1.0, 2.0, 0.5, 4.0], dtype=torch.float64)
TARGET = torch.tensor([2.0, -0.3, 0.05, -1.0], dtype=torch.float64)


def minimized(penalty, hessian: Tensor, target: Tensor, lr: float, steps: int, decay: float = 0.0):
    weight = torch.nn.Parameter(torch.zeros(1, 2, len(target) // 2, dtype=torch.float64))
    config = Sgd(name="sgd", lr=lr, weight_decay=decay)
    optimizer = build_optimizer(config, [("w", weight)])
    for _ in range(steps):
        weight.grad = (hessian * (weight.detach().view(-1) - target)).view_as(weight)
        update(optimizer, lr, penalty, None)
    return weight.detach().view(-1)


def test_l1_reaches_the_soft_threshold_solution() -> None:
    """w_i = sign(w*_i) max(|w*_i| - alpha/H_i, 0)."""
    expected = torch.tensor([1.6, -0.1, 0.0, -0.9], dtype=torch.float64)
    exact = minimized(L1(name="l1", strength=0.4, proximal=True), H, TARGET, 0.1, 2000)
    torch.testing.assert_close(exact, expected, rtol=0, atol=1e-12)
    assert exact[2] == 0
    rough = minimized(L1(name="l1", strength=0.4), H, TARGET, 0.001, 20000)
    torch.testing.assert_close(rough, expected, rtol=0, atol=1e-3)
    assert rough[2] != 0  # it hops about zero by lr * strength


def test_weight_decay_reaches_the_ridge_solution_and_early_stopping_nearly_does() -> None:
    hessian = torch.tensor([10.0, 1.0, 0.1, 0.01], dtype=torch.float64)
    ones = torch.ones(4, dtype=torch.float64)
    ridge = minimized(NoPenalty(), hessian, ones, 0.1, 4000, decay=0.5)
    torch.testing.assert_close(ridge, hessian / (hessian + 0.5), rtol=0, atol=1e-8)
    np.testing.assert_allclose(ridge, [0.952381, 0.666667, 0.166667, 0.019608], atol=1e-6)
    # tau = 1/(lr * alpha) steps without decay: alike only where the curvature is small.
    stopped = minimized(NoPenalty(), hessian, ones, 0.05, 40)
    np.testing.assert_allclose(stopped, [1.0, 0.871488, 0.181680, 0.019806], atol=1e-6)
    torch.testing.assert_close(stopped, 1 - (1 - 0.05 * hessian) ** 40, rtol=0, atol=1e-12)
    late = minimized(NoPenalty(), hessian, ones, 0.001, 1000)
    np.testing.assert_allclose(late, [0.999957, 0.632305, 0.095167, 0.009950], atol=1e-6)


def trained(config, seed: int = 0) -> Tensor:
    weight = torch.nn.Parameter(normal(1, 4, 3, seed=seed))
    optimizer = build_optimizer(config, [("w", weight)])
    for step in range(20):
        weight.grad = normal(1, 4, 3, seed=100 + step)
        update(optimizer, config.lr, NoPenalty(), None)
    return weight.detach()


def test_decay_in_the_loss_is_decoupled_decay_for_sgd_only() -> None:
    sgd = {"name": "sgd", "lr": 0.1, "weight_decay": 0.05}
    coupled, decoupled = trained(Sgd(**sgd)), trained(Sgd(**sgd, decoupled=True))
    # w - lr (g + a w) and (1 - lr a) w - lr g: the same but for rounding.
    torch.testing.assert_close(coupled, decoupled, rtol=1e-13, atol=1e-14)
    adam = {"name": "adam", "lr": 0.1, "weight_decay": 0.05}
    assert (trained(Adam(**adam)) - trained(Adam(**adam, decoupled=True))).abs().max() > 0.01


@pytest.mark.parametrize("shape", [(3, 100, 37), (3, 37, 100), (2, 6, 5, 3, 3)], ids=str)
def test_max_norm_scales_back_what_enters_a_unit(shape: tuple) -> None:
    weight = normal(*shape)
    before = weight.clone()
    project(MaxNorm(name="max_norm", limit=2.0), [weight], lr=0.1)
    into = 1 if len(shape) == 3 else (2, 3, 4)
    was, now = before.square().sum(into).sqrt(), weight.square().sum(into).sqrt()
    assert (now <= 2 + 1e-12).all()
    torch.testing.assert_close(now, was.clamp(max=2.0))
    # Its direction stays: one factor per unit.
    factor = weight / before
    spread = factor.amax(into) - factor.amin(into)
    assert spread.abs().max() < 1e-12


def test_max_norm_leaves_zeros_alone() -> None:
    weight = torch.zeros(1, 4, 3)
    project(MaxNorm(name="max_norm", limit=2.0), [weight], lr=0.1)
    assert (weight == 0).all()


def test_clipping_bounds_each_replicates_norm_and_keeps_its_direction() -> None:
    tensors = [with_gradient(normal(3, 4, 5)), with_gradient(normal(3, 5))]
    for number, tensor in enumerate(tensors):
        tensor.grad = normal(*tensor.shape, seed=number + 5)
        tensor.grad[1] *= 1e-3  # small already
        tensor.grad[2] = float("nan")
    before = [t.grad.clone() for t in tensors]
    clip(tensors, 0.5)
    norm = sum(float(t.grad[0].square().sum()) for t in tensors) ** 0.5
    was = sum(float(g[0].square().sum()) for g in before) ** 0.5
    assert was > 0.5
    assert norm == pytest.approx(0.5, rel=1e-12)
    for tensor, old in zip(tensors, before, strict=True):
        torch.testing.assert_close(tensor.grad[0], old[0] * (0.5 / was))
        assert torch.equal(tensor.grad[1], old[1])
        assert tensor.grad[2].isnan().all()


PENALTIES = {
    "l1": L1(name="l1", strength=0.01),
    "proximal": L1(name="l1", strength=0.01, proximal=True),
    "elastic_net": ElasticNet(name="elastic_net", strength=0.01, l2=0.02),
    "max_norm": MaxNorm(name="max_norm", limit=1.5),
}


@pytest.mark.parametrize("name", PENALTIES)
def test_a_stack_has_the_bits_of_each_replicate_alone(name: str) -> None:
    shapes = [(100, 37), (37, 100), (6, 5, 3, 3), (100,)]

    def run(rows: list[int]) -> list[Tensor]:
        tensors = [
            torch.nn.Parameter(normal(8, *s, seed=i, dtype=torch.float32)[rows].clone())
            for i, s in enumerate(shapes)
        ]
        optimizer = build_optimizer(Sgd(name="sgd"), [(str(i), t) for i, t in enumerate(tensors)])
        for step in range(4):
            for i, t in enumerate(tensors):
                t.grad = normal(8, *shapes[i], seed=50 + 9 * step + i, dtype=torch.float32)[
                    rows
                ].clone()
            update(optimizer, 0.1, PENALTIES[name], 3.0)
        return [t.detach() for t in tensors]

    whole = run(list(range(8)))
    for rows in ([3], [5, 3, 1]):
        for alone, stacked in zip(run(rows), whole, strict=True):
            assert torch.equal(alone, stacked[rows])
