import numpy as np
import pytest
import torch

from ablate.config.optimizer import Adam, MomentumSgd, Sgd
from ablate.config.penalty import NoPenalty
from ablate.train.optimizers import build_optimizer, update

SGD = Sgd(name="sgd", lr=0.1)
MOMENTUM = MomentumSgd(name="momentum", lr=0.05, momentum=0.9)
NESTEROV = MomentumSgd(name="nesterov", lr=0.05, momentum=0.9)
ADAM = Adam(name="adam", lr=0.01)


def parameters(seed=0, replicates=2):
    rng = np.random.default_rng(seed)
    shapes = {"layer1.weight": (4, 8), "layer1.bias": (8,), "layer2.weight": (3, 5)}
    return {
        name: torch.nn.Parameter(
            torch.from_numpy(rng.standard_normal((replicates, *shape)).astype(np.float32))
        )
        for name, shape in shapes.items()
    }


def gradients(named, step):
    rng = np.random.default_rng(100 + step)
    for p in named.values():
        p.grad = torch.from_numpy(rng.standard_normal(p.shape).astype(np.float32))


def trained(config, steps=20, lr=None, changes=None):
    named = parameters()
    optimizer = build_optimizer(config.model_copy(update=changes or {}), named.items())
    for step in range(steps):
        gradients(named, step)
        update(optimizer, lr if lr is not None else config.lr, NoPenalty(), None)
    return {name: p.detach() for name, p in named.items()}


def by_hand(rule, steps=20):
    """Apply `rule(weight, gradient, state, step) -> weight` in float64."""
    named = parameters()
    weights = {name: p.detach().double() for name, p in named.items()}
    states = {name: {} for name in named}
    for step in range(steps):
        gradients(named, step)
        for name, p in named.items():
            weights[name] = rule(weights[name], p.grad.double(), states[name], step)
    return weights


def assert_close(result, expected):
    for name, value in result.items():
        # float32 rounds at 6e-8; 20 steps of weights near 1 stay well within 1e-5.
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-5)


def test_sgd():
    assert_close(trained(SGD), by_hand(lambda w, g, state, step: w - 0.1 * g))


def test_heavy_ball():
    def rule(w, g, state, step):
        state["v"] = 0.9 * state.get("v", 0) + g
        return w - 0.05 * state["v"]

    assert_close(trained(MOMENTUM), by_hand(rule))


def test_nesterov():
    def rule(w, g, state, step):
        state["v"] = 0.9 * state.get("v", 0) + g
        return w - 0.05 * (g + 0.9 * state["v"])

    assert_close(trained(NESTEROV), by_hand(rule))


def test_adam():
    def rule(w, g, state, step):
        state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
        state["v"] = 0.999 * state.get("v", 0) + 0.001 * g**2
        m, v = state["m"] / (1 - 0.9 ** (step + 1)), state["v"] / (1 - 0.999 ** (step + 1))
        return w - 0.01 * m / (v.sqrt() + 1e-8)

    assert_close(trained(ADAM), by_hand(rule))


@pytest.mark.parametrize("decoupled", [False, True], ids=["coupled", "decoupled"])
@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        (SGD, (torch.optim.SGD, torch.optim.SGD)),
        (ADAM, (torch.optim.Adam, torch.optim.AdamW)),
    ],
    ids=["sgd", "adam"],
)
def test_decay_of_weights_against_torch(config, kinds, decoupled):
    changes = {"weight_decay": 0.1, "decoupled": decoupled}
    result = trained(config, changes=changes)
    named = parameters()
    reference = kinds[decoupled](named.values(), lr=config.lr, weight_decay=0.1)
    for step in range(20):
        gradients(named, step)
        reference.step()
    for name in ("layer1.weight", "layer2.weight"):
        torch.testing.assert_close(result[name], named[name].detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "config", [SGD, MOMENTUM, NESTEROV, ADAM], ids=["sgd", "momentum", "nesterov", "adam"]
)
@pytest.mark.parametrize("decoupled", [False, True], ids=["coupled", "decoupled"])
def test_biases_never_decay(config, decoupled):
    plain = trained(config)
    decayed = trained(config, changes={"weight_decay": 0.1, "decoupled": decoupled})
    assert torch.equal(plain["layer1.bias"], decayed["layer1.bias"])
    assert not torch.equal(plain["layer1.weight"], decayed["layer1.weight"])


@pytest.mark.parametrize(
    ("config", "same"),
    [(SGD, True), (MOMENTUM, False), (ADAM, False)],
    ids=["sgd", "momentum", "adam"],
)
def test_decoupled_decay_is_l2_for_plain_sgd_only(config, same):
    l2 = trained(config, changes={"weight_decay": 0.1})["layer1.weight"]
    decoupled = trained(config, changes={"weight_decay": 0.1, "decoupled": True})["layer1.weight"]
    assert torch.allclose(l2, decoupled, rtol=1e-5, atol=1e-6) is same


def test_the_learning_rate_is_that_of_the_step():
    still = trained(MOMENTUM, lr=0.0)
    assert all(torch.equal(still[name], p.detach()) for name, p in parameters().items())


def test_gradients_are_dropped():
    named = parameters()
    optimizer = build_optimizer(ADAM, named.items())
    gradients(named, 0)
    update(optimizer, 0.1, NoPenalty(), None)
    assert all(p.grad is None for p in named.values())


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(c.model_copy(update={"weight_decay": wd, "decoupled": decoupled}),
                     id=f"{c.name}-{wd}-{decoupled}")
        for c in (SGD, MOMENTUM, NESTEROV, ADAM)
        for wd, decoupled in ((0.0, False), (0.01, False), (0.01, True))
    ],
)  # fmt: skip
def test_a_stack_has_the_bits_of_each_replicate_alone(config):
    """Sizes per replicate of 1 to 801 values, odd and even, 120 steps."""
    sizes = (1, 5, 8, 10, 24, 100, 120, 801)
    rng = np.random.default_rng(0)
    start = [rng.standard_normal((5, 1, n)).astype(np.float32) for n in sizes]
    pushes = [[rng.standard_normal(w.shape).astype(np.float32) for w in start] for _ in range(120)]

    def run(rows):
        tensors = [torch.nn.Parameter(torch.from_numpy(w[rows].copy())) for w in start]
        optimizer = build_optimizer(config, [(f"{i}.weight", t) for i, t in enumerate(tensors)])
        for step in pushes:
            for tensor, push in zip(tensors, step, strict=True):
                tensor.grad = torch.from_numpy(push[rows].copy())
            update(optimizer, 0.01, NoPenalty(), None)
        return [t.detach() for t in tensors]

    stacked = run(slice(0, 5))
    for r in range(5):
        for whole, alone in zip(stacked, run(slice(r, r + 1)), strict=True):
            assert torch.equal(whole[r], alone[0])
