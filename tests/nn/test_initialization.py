"""Initial weights: variances, fans, orthogonality, LSUV, and the lecture's seven cases."""

import math

import numpy as np
import pytest
import torch

from ablate.config.init import (
    CaffeXavier,
    Constant,
    He,
    InitConfig,
    Lecun,
    Lsuv,
    Normal,
    Orthogonal,
    OrthogonalHe,
    RandomWalk,
    Uniform,
    Xavier,
    Zeros,
)
from ablate.config.model import Cnn, FitNet, Mlp, ModelConfig
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.nn.network import Chain
from ablate.nn.scales import GAINS, random_walk_gain, weight_variance
from ablate.streams import Streams

MLP = Mlp(name="mlp", depth=2, width=200)


def drawn(
    init: InitConfig,
    model: ModelConfig = MLP,
    inputs: tuple[int, ...] = (300,),
    replicates: int = 2,
) -> Chain:
    network = build(model, inputs, 10, replicates)
    batch = torch.randn(replicates, 128, *inputs, generator=torch.Generator().manual_seed(5))
    initialize(network, init, [Streams(0, r) for r in range(replicates)], batch)
    return network


VARIANCES = [
    (Normal(name="normal", std=0.3), 0.09),
    (Uniform(name="uniform"), 1 / (3 * 300)),
    (Uniform(name="uniform", bound=0.6), 0.12),
    (Lecun(name="lecun"), 1 / 300),
    (Lecun(name="lecun", distribution="uniform"), 1 / 300),
    (CaffeXavier(name="caffe_xavier"), 1 / 300),
    (Xavier(name="xavier"), 2 / 500),
    (Xavier(name="xavier", distribution="uniform"), 2 / 500),
    (Xavier(name="xavier", mode="fan_in"), 1 / 300),
    (Xavier(name="xavier", mode="fan_out"), 1 / 200),
    (He(name="he"), 2 / 300),
    (He(name="he", mode="fan_out", distribution="uniform"), 2 / 200),
    (He(name="he", gain="linear"), 1 / 300),
    (RandomWalk(name="random_walk"), 2 * math.exp(2.4 / 297.6) / 300),
    (He(name="he", scale=3.0), 9 * 2 / 300),
]


@pytest.mark.parametrize(("init", "variance"), VARIANCES, ids=lambda v: str(v)[:60])
def test_variance_of_the_weights(init: InitConfig, variance: float) -> None:
    weight = drawn(init).chain[0].linear.weight[0]
    n = weight.numel()
    # The sample variance of n normals has relative standard error sqrt(2/n), of uniforms less;
    # five of them: a false alarm once in a million.
    assert float(weight.detach().var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))
    assert abs(float(weight.detach().mean())) < 5 * math.sqrt(variance / n)
    unscaled = weight_variance(init, "relu", 300, 200)
    assert unscaled is not None
    assert unscaled * init.scale**2 == pytest.approx(variance, rel=1e-12)


def test_uniform_draws_stay_within_their_bound() -> None:
    weight = drawn(Xavier(name="xavier", distribution="uniform")).chain[0].linear.weight
    assert float(weight.detach().abs().max()) <= math.sqrt(6) / math.sqrt(300 + 200) * (1 + 1e-6)


def test_fans_of_a_convolution() -> None:
    network = drawn(He(name="he"), Cnn(name="cnn", channels=[64], norm="none"), (3, 8, 8))
    weight = network.chain[0].linear.weight[0].detach()
    assert float(weight.var()) == pytest.approx(2 / 27, rel=5 * math.sqrt(2 / weight.numel()))


@pytest.mark.parametrize("activation", ["tanh", "vlrelu", "selu"])
def test_hes_gain_is_the_activations(activation: str) -> None:
    model = MLP.model_copy(update={"activation": activation})
    weight = drawn(He(name="he"), model).chain[1].linear.weight[0].detach()
    expected = GAINS[activation] ** 2 / 200
    assert float(weight.var()) == pytest.approx(expected, rel=5 * math.sqrt(2 / weight.numel()))


def test_random_walk_gain_at_width_100() -> None:
    assert random_walk_gain("relu", 100) == pytest.approx(1.4317, abs=5e-5)  # as it is printed


def test_constants() -> None:
    assert not any(p.any() for p in drawn(Zeros(name="zeros")).parameters())
    weight = drawn(Constant(name="constant", value=0.5, scale=2.0)).chain[0].linear.weight
    assert torch.equal(weight, torch.ones_like(weight))


def test_biases_start_where_they_are_told_to_and_move_no_weight() -> None:
    plain, moved = drawn(He(name="he")), drawn(He(name="he", bias=0.1))
    for block, other in zip(plain.chain, moved.chain, strict=True):
        assert block.linear.bias is not None
        assert other.linear.bias is not None
        assert not block.linear.bias.any()
        assert torch.equal(other.linear.bias, torch.full_like(other.linear.bias, 0.1))
        assert torch.equal(block.linear.weight, other.linear.weight)
    # In front of batch normalization there is none, and its shift is no bias of a linear map.
    normalized = drawn(He(name="he", bias=0.1), Mlp(name="mlp", depth=1, width=20, norm="batch"))
    shifts = [p for name, p in normalized.named_parameters() if "norm" in name and "bias" in name]
    assert shifts
    assert not any(shift.any() for shift in shifts)


@pytest.mark.parametrize("inputs", [50, 200, 300], ids=["tall", "square", "wide"])
def test_orthonormal_along_the_shorter_side(inputs: int) -> None:
    matrix = (
        drawn(Orthogonal(name="orthogonal"), inputs=(inputs,)).chain[0].linear.weight[0].detach()
    )
    gram = matrix.T @ matrix if inputs >= 200 else matrix @ matrix.T
    # Orthonormal in float64, rounded to float32: 1e-7 an entry, 300 of them.
    torch.testing.assert_close(gram, torch.eye(len(gram)), atol=1e-5, rtol=0)


def test_orthonormal_kernels_and_hes_gain() -> None:
    model = Cnn(name="cnn", channels=[16], norm="none")
    plain = drawn(Orthogonal(name="orthogonal"), model, (3, 8, 8)).chain[0].linear.weight[0]
    scaled = drawn(OrthogonalHe(name="orthogonal_he"), model, (3, 8, 8)).chain[0].linear.weight[0]
    rows = plain.detach().reshape(16, 27)
    torch.testing.assert_close(rows @ rows.T, torch.eye(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled, plain * math.sqrt(2))


def test_schemes_of_one_distribution_share_their_draws_and_scales_are_exact() -> None:
    he = drawn(He(name="he")).chain[0].linear.weight.detach()
    lecun = drawn(Lecun(name="lecun")).chain[0].linear.weight.detach()
    torch.testing.assert_close(he, lecun * math.sqrt(2), rtol=1e-6, atol=0)
    doubled = drawn(He(name="he", scale=2.0)).chain[0].linear.weight.detach()
    assert torch.equal(doubled, 2 * he)


@pytest.mark.parametrize(
    "init", [He(name="he"), Orthogonal(name="orthogonal"), Lsuv(name="lsuv")], ids=lambda i: i.name
)
def test_a_replicate_draws_the_same_in_any_stack(init: InitConfig) -> None:
    together = build(MLP, (300,), 10, 3)
    batch = torch.randn(3, 64, 300, generator=torch.Generator().manual_seed(1))
    streams = [Streams(0, r) for r in range(3)]
    initialize(together, init, streams, batch)
    alone = build(MLP, (300,), 10, 1)
    initialize(alone, init, streams[2:], batch[2:])
    for stack, single in zip(together.parameters(), alone.parameters(), strict=True):
        assert torch.equal(stack[2:], single)


@pytest.mark.parametrize("activation", ["relu", "tanh", "maxout"])
@pytest.mark.parametrize(
    ("model", "inputs"),
    [(Mlp(name="mlp", depth=6, width=64), (40,)), (FitNet(name="mnist_fitnet"), (1, 28, 28))],
    ids=["mlp", "fitnet"],
)
def test_lsuv_gives_unit_variance(model: ModelConfig, inputs: tuple, activation: str) -> None:
    model = model.model_copy(update={"activation": activation})
    network = build(model, inputs, 10, 2)
    batch = torch.randn(2, 32, *inputs, generator=torch.Generator().manual_seed(2))
    init = Lsuv(name="lsuv")
    initialize(network, init, [Streams(0, 0), Streams(0, 1)], batch)
    x = batch
    with torch.no_grad():
        for block in network.chain:
            z = block.linear(block.before(x))
            for r in range(2):
                assert abs(float(z[r].var(correction=0)) - 1) <= init.tolerance + 1e-4  # rounding
            x = block(x, x)


def test_lsuv_needs_a_batch() -> None:
    with pytest.raises(ValueError, match="needs a batch"):
        initialize(build(MLP, (5,), 2, 1), Lsuv(name="lsuv"), [Streams(0, 0)])


#: Layer: mean over 20 seeds of the std of activations; at layer 10 also lowest and highest.
LECTURE = {
    "small relu": (Normal(name="normal"), "relu", 0.0586, 1.49e-6, 2.43e-12, (1.45e-12, 4.15e-12)),
    "small tanh": (Normal(name="normal"), "tanh", 0.0991, 1.00e-5, 1.00e-10, (0.8e-10, 1.2e-10)),
    "large relu": (Normal(name="normal", std=1.0), "relu", 5.86, 1.49e4, 2.43e8, (1.45e8, 4.15e8)),
    "large tanh": (Normal(name="normal", std=1.0), "tanh", 0.959, 0.958, 0.958, (0.95, 0.965)),
    "xavier tanh": (Xavier(name="xavier"), "tanh", 0.627, 0.322, 0.228, (0.218, 0.236)),
    "xavier relu": (Xavier(name="xavier"), "relu", 0.586, 0.149, 0.0243, (0.0145, 0.0415)),
    "he relu": (He(name="he"), "relu", 0.828, 0.841, 0.778, (0.463, 1.33)),
}


@pytest.mark.parametrize("case", LECTURE)
def test_the_lectures_ten_layers_of_a_hundred_units(case: str) -> None:
    """The published experiment, through `build` and `initialize`, 20 replicates in one stack.

    Other random numbers than the reference's, so a mean of 20 is compared within five standard
    errors of the difference (the reference's own spread at layer 10: a quarter of the mean for
    ReLU, 2.5 % for tanh), and a single replicate within the reference's range, 15 % wider.
    """
    init, activation, first, fifth, tenth, (low, high) = LECTURE[case]
    model = Mlp(name="mlp", depth=10, width=100, activation=activation)
    network = build(model, (100,), 10, 20)
    initialize(network, init, [Streams(0, r) for r in range(20)])
    x = torch.stack([
        torch.from_numpy(np.random.default_rng(1000 + r).standard_normal((1000, 100))) for r in range(20)
    ])  # fmt: skip
    stds: list[torch.Tensor] = []
    with torch.no_grad():
        network.double()(x, tap=lambda _, pre, post: stds.append(post.std(dim=(1, 2))))
    spread = 0.25 if activation == "relu" else 0.025
    standard_error = spread * math.sqrt(2 / 20)
    assert float(stds[0].mean()) == pytest.approx(first, rel=0.01)
    assert float(stds[4].mean()) == pytest.approx(fifth, rel=5 * standard_error)
    assert float(stds[9].mean()) == pytest.approx(tenth, rel=5 * standard_error)
    assert float(stds[9].min()) > low / 1.15
    assert float(stds[9].max()) < high * 1.15
