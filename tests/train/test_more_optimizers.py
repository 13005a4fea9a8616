"""Adaptive optimizers against their papers' formulas, written out in numpy; and known ratios."""

import numpy as np
import pytest
import torch

from ablate.config.optimizer import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lbfgs,
    MomentumSgd,
    RmsProp,
    RmsPropMomentum,
)
from ablate.config.penalty import NoPenalty
from ablate.train.optimizers import build_optimizer, update

SHAPE = (1, 4, 3)
LR = 0.05


def pushes(steps: int = 20) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(SHAPE) for _ in range(steps)]


def trained(config, gradients, lr: float = LR) -> np.ndarray:
    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    optimizer = build_optimizer(config, [("w", weight)])
    for gradient in gradients:
        weight.grad = torch.from_numpy(np.array(gradient, dtype=np.float64))
        update(optimizer, lr, NoPenalty(), None)
    return weight.detach().numpy()


def by_hand(step, gradients) -> np.ndarray:
    weight, state = np.ones(SHAPE), {}
    for t, gradient in enumerate(gradients, start=1):
        weight = step(weight, gradient, state, t)
    return weight


def adagrad(w, g, s, t):
    s["a"] = s.get("a", 0) + g**2
    return w - LR * g / (np.sqrt(s["a"]) + 1e-10)


def rmsprop(w, g, s, t):
    s["a"] = 0.99 * s.get("a", 0) + 0.01 * g**2
    return w - LR * g / (np.sqrt(s["a"]) + 1e-8)


def rmsprop_momentum(w, g, s, t):
    s["a"] = 0.99 * s.get("a", 0) + 0.01 * g**2
    s["v"] = 0.9 * s.get("v", 0) + g / (np.sqrt(s["a"]) + 1e-8)
    return w - LR * s["v"]


def adadelta(w, g, s, t):
    s["a"] = 0.9 * s.get("a", 0) + 0.1 * g**2
    change = np.sqrt(s.get("d", 0) + 1e-6) / np.sqrt(s["a"] + 1e-6) * g
    s["d"] = 0.9 * s.get("d", 0) + 0.1 * change**2
    return w - LR * change


def moments(g, s):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return s["m"], s["v"]


def adam(w, g, s, t):
    m, v = moments(g, s)
    return w - LR * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def adam_uncorrected(w, g, s, t):
    m, v = moments(g, s)
    return w - LR * m / (np.sqrt(v) + 1e-8)


def adamw(w, g, s, t):
    return adam(w * (1 - LR * 0.01), g, s, t)


FORMULAS = [
    (Adagrad(name="adagrad"), adagrad),
    (RmsProp(name="rmsprop"), rmsprop),
    (RmsPropMomentum(name="rmsprop_momentum"), rmsprop_momentum),
    (Adadelta(name="adadelta"), adadelta),
    (Adam(name="adam"), adam),
    (Adam(name="adam_uncorrected"), adam_uncorrected),
    (AdamW(name="adamw"), adamw),
]


@pytest.mark.parametrize(("config", "formula"), FORMULAS, ids=lambda x: getattr(x, "name", ""))
def test_the_papers_formula(config, formula) -> None:
    expected = by_hand(formula, pushes())
    # float64, twenty steps: rounding only.
    np.testing.assert_allclose(trained(config, pushes()), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adadelta", "adam_uncorrected"])
@pytest.mark.parametrize("decoupled", [False, True])
def test_weight_decay_in_either_form(name: str, decoupled: bool) -> None:
    config, formula = next(pair for pair in FORMULAS if pair[0].name == name)
    config = config.model_copy(update={"weight_decay": 0.1, "decoupled": decoupled})

    def decayed(w, g, s, t):
        if decoupled:
            return formula(w * (1 - LR * 0.1), g, s, t)
        return formula(w, g + 0.1 * w, s, t)

    expected = by_hand(decayed, pushes())
    np.testing.assert_allclose(trained(config, pushes()), expected, rtol=1e-11, atol=1e-13)


def test_forms_of_momentum() -> None:
    """Heavy ball v <- b v + g, w <- w - e v is the averaged form at rate e / (1 - b)."""
    heavy = trained(MomentumSgd(name="momentum", momentum=0.9), pushes())

    def averaged(w, g, s, t):
        s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
        return w - LR / 0.1 * s["m"]

    np.testing.assert_allclose(heavy, by_hand(averaged, pushes()), rtol=1e-12)


def test_nesterov_looks_ahead() -> None:
    """Torch's variable is the point looked ahead to: w + b v of v <- b v - e grad(w + b v)."""

    def gradient(w):
        return np.array([10.0, 1.0, 0.1]) * w

    weight = torch.nn.Parameter(torch.ones(SHAPE, dtype=torch.float64))
    optimizer = build_optimizer(MomentumSgd(name="nesterov", momentum=0.9), [("w", weight)])
    w, v = np.ones(SHAPE), np.zeros(SHAPE)
    for _ in range(15):
        np.testing.assert_allclose(weight.detach().numpy(), w + 0.9 * v, rtol=1e-11)
        v = 0.9 * v - LR * gradient(w + 0.9 * v)
        w = w + v
        weight.grad = torch.from_numpy(gradient(weight.detach().numpy()))
        update(optimizer, LR, NoPenalty(), None)


def lengths(config, steps: int) -> np.ndarray:
    """Lengths of the steps on a constant gradient, in units of the learning rate."""
    weight = torch.nn.Parameter(torch.zeros(1, 1, 1, dtype=torch.float64))
    optimizer = build_optimizer(config, [("w", weight)])
    seen = [0.0]
    for _ in range(steps):
        weight.grad = torch.full_like(weight, 0.7)
        update(optimizer, 1.0, NoPenalty(), None)
        seen.append(float(weight.detach()))
    return -np.diff(seen)


@pytest.mark.parametrize(
    ("beta2", "known", "peak"),
    [
        (0.999, {1: 3.162, 2: 4.250, 5: 5.797, 10: 6.528, 12: 6.569, 100: 3.241, 1000: 1.258}, 12),
        (0.99, {1: 1.000, 13: 2.131, 50: 1.583}, 13),
    ],
)
def test_what_leaving_out_the_bias_correction_does(beta2: float, known: dict, peak: int) -> None:
    settings = {"beta2": beta2, "eps": 1e-30}
    with_it = lengths(Adam(name="adam", **settings), 1000)
    without = lengths(Adam(name="adam_uncorrected", **settings), 1000)
    ratio = without / with_it
    for step, value in known.items():
        assert ratio[step - 1] == pytest.approx(value, abs=6e-4)
    assert int(ratio.argmax()) + 1 == peak
    t = np.arange(1, 1001)
    np.testing.assert_allclose(ratio, (1 - 0.9**t) / np.sqrt(1 - beta2**t), rtol=1e-9)
    assert with_it[0] == pytest.approx(1, rel=1e-12)  # the first step is lr * sign(g)


def test_adagrads_steps_fall_as_one_over_the_root_of_time() -> None:
    steps = lengths(Adagrad(name="adagrad"), 100)
    np.testing.assert_allclose(steps, 1 / np.sqrt(np.arange(1, 101)), rtol=1e-9)


def test_lbfgs_solves_a_quadratic_and_refuses_a_stack() -> None:
    weight = torch.nn.Parameter(torch.ones(1, 2, 2, dtype=torch.float64))
    optimizer = build_optimizer(Lbfgs(name="lbfgs", iterations=30), [("w", weight)])
    curvature = torch.tensor([[1.0, 10.0], [100.0, 0.1]], dtype=torch.float64)

    def closure():
        optimizer.zero_grad()
        loss = (curvature * (weight - 3) ** 2).sum() / 2
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    torch.testing.assert_close(weight.detach(), torch.full_like(weight, 3.0), rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="one replicate at a time"):
        build_optimizer(Lbfgs(name="lbfgs"), [("w", torch.nn.Parameter(torch.ones(2, 2, 2)))])


@pytest.mark.parametrize("config", [pair[0] for pair in FORMULAS], ids=lambda c: c.name)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_stack_has_the_bits_of_each_replicate_alone(config, decay: float) -> None:
    config = config.model_copy(update={"weight_decay": decay})
    rng = np.random.default_rng(0)
    shapes = [(8, 100, 37), (8, 37), (8, 16, 8)]
    start = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    gradients = [[rng.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(4)]

    def run(rows: list[int]) -> list[torch.Tensor]:
        tensors = [torch.nn.Parameter(torch.from_numpy(w[rows].copy())) for w in start]
        optimizer = build_optimizer(config, [(str(i), t) for i, t in enumerate(tensors)])
        for step in gradients:
            for tensor, gradient in zip(tensors, step, strict=True):
                tensor.grad = torch.from_numpy(gradient[rows].copy())
            update(optimizer, 0.01, NoPenalty(), 5.0)
        return [t.detach() for t in tensors]

    whole = run(list(range(8)))
    for rows in ([3], [5, 3, 1]):
        for alone, stacked in zip(run(rows), whole, strict=True):
            assert torch.equal(alone, stacked[rows])
