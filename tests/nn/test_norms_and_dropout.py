"""Norms against torch's own, dropout against its moments, population statistics, ResNet-20."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ablate.config.init import He, Lsuv
from ablate.config.model import Cnn, Mlp, ResNet
from ablate.nn.dropout import Dropout
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.nn.network import parameter_count
from ablate.nn.norms import BatchNorm, GroupNorm, build_norm
from ablate.nn.population import set_population_statistics
from ablate.streams import Streams

STREAMS = [Streams(0, 0), Streams(0, 1)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 5, 6, 4, 3)], ids=["features", "images"])
@pytest.mark.parametrize("groups", [1, 3])
def test_group_norm_is_torchs(shape: tuple, groups: int) -> None:
    layer = GroupNorm(2, 6, groups).double()
    layer.weight.data, layer.bias.data = normal(2, 6, seed=1), normal(2, 6, seed=2)
    x = 3 + 2 * normal(*shape)
    for r in range(2):
        expected = functional.group_norm(x[r], groups, layer.weight[r], layer.bias[r], eps=1e-5)
        torch.testing.assert_close(layer(x)[r], expected)
    if groups == 1:
        plain = functional.layer_norm(x[0], shape[2:])
        view = (1, 6, *[1] * (len(shape) - 3))
        expected = plain * layer.weight[0].view(view) + layer.bias[0].view(view)
        torch.testing.assert_close(layer(x)[0], expected)


@pytest.mark.parametrize(
    ("channels", "asked", "groups"), [(64, 8, 8), (100, 8, 5), (7, 8, 7), (84, 8, 7), (11, 8, 1)]
)
def test_groups_divide_the_channels(channels: int, asked: int, groups: int) -> None:
    norm = build_norm(Mlp(name="mlp", norm="group", groups=asked), 1, channels)
    assert norm.groups == groups


def test_batch_norm_after_the_activation() -> None:
    network = build(Mlp(name="mlp", depth=1, width=8, norm="batch_after"), (5,), 3, 1).double()
    initialize(network, He(name="he"), [Streams(0, 0)])
    seen = {}
    x = normal(1, 50, 5)
    block = network.chain[0]
    out = block(x, x, lambda name, z, h: seen.update(z=z, h=h))
    assert (seen["h"] == seen["z"].clamp(min=0)).all()
    alive = seen["h"].std(dim=1) > 0
    torch.testing.assert_close(out.mean(dim=1), torch.zeros(1, 8, dtype=torch.float64))
    assert (out.std(dim=1, correction=0)[alive] - 1).abs().max() < 1e-3


def moments(kind: str, p: float) -> tuple[float, float]:
    """Mean and variance that a unit of value 1 gets in training, over many masks."""
    layer = Dropout(p, "layer1", kind)
    layer.seed([Streams(0, 0)], "cpu")
    values = layer(torch.ones(1, 400, 500, dtype=torch.float64))
    return float(values.mean()), float(values.var())


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("kind", ["inverted", "standard", "gaussian", "unscaled"])
def test_dropout_keeps_the_expectation(kind: str, p: float) -> None:
    mean, variance = moments(kind, p)
    expected = {"inverted": (1, p / (1 - p)), "standard": (1 - p, p * (1 - p)),
                "gaussian": (1, p / (1 - p)), "unscaled": (1 - p, p * (1 - p))}[kind]  # fmt: skip
    # 200,000 draws: five standard errors of the mean; the variance to five percent.
    assert abs(mean - expected[0]) < 5 * (expected[1] / 200_000) ** 0.5
    assert variance == pytest.approx(expected[1], rel=0.05)
    layer = Dropout(p, "layer1", kind).eval()
    at_inference = layer(torch.ones(1, 2, 3))
    # At inference the expectation, exactly: weight scaling for the standard form. Unscaled it is
    # 1 / (1 - p) times that: over-active.
    assert torch.equal(at_inference, torch.full((1, 2, 3), 1 - p if kind == "standard" else 1.0))


def test_drop_connect_drops_weights_of_the_next_map() -> None:
    model = Mlp(name="mlp", depth=2, width=50, dropout=0.4, input_dropout=0.2,
                dropout_kind="drop_connect")  # fmt: skip
    network = build(model, (20,), 10, 2)
    assert [block.connect.p for block in network.chain] == [0.2, 0.4, 0.4]
    assert [block.connect.name for block in network.chain] == ["input", "layer1", "layer2"]
    layer = Dropout(0.4, "layer1", "drop_connect")
    layer.seed(STREAMS, "cpu")
    weight = torch.ones(2, 300, 300)
    dropped = layer(weight)
    assert set(np.unique(dropped.numpy()).round(6)) == {0.0, np.float32(1 / 0.6).round(6)}
    # Two masks of 90,000: the share's sd is 0.0016.
    assert abs(float((dropped == 0).float().mean()) - 0.4) < 0.008
    assert not torch.equal(dropped[0], dropped[1])
    assert torch.equal(layer.eval()(weight), weight)


def test_monte_carlo_dropout_draws_at_inference_and_norms_stay_put() -> None:
    model = Mlp(name="mlp", depth=1, width=30, norm="batch", dropout=0.5)
    network = build(model, (10,), 3, 1)
    initialize(network, He(name="he"), [Streams(0, 0)])
    network.seed_dropout([Streams(0, 0)], "cpu")
    x = torch.randn(1, 8, 10, generator=torch.Generator().manual_seed(0))
    before = network.chain[0].norm.running_mean.clone()
    with network.dropout_at_inference():
        assert not torch.equal(network(x), network(x))
    assert torch.equal(network.chain[0].norm.running_mean, before)
    assert network.training
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Mlp(name="mlp", depth=3, width=12, norm="batch", dropout=0.3), (6,)),
        (Mlp(name="mlp", depth=2, width=32, norm="batch_after"), (6,)),
        (Cnn(name="cnn", channels=(4, 5)), (2, 8, 8)),
        (ResNet(name="resnet20"), (1, 8, 8)),
    ],
    ids=["mlp", "after", "cnn", "resnet20"],
)
def test_population_statistics_are_those_of_all_inputs_at_once(model, inputs) -> None:
    network = build(model, inputs, 3, 2).double()
    initialize(network, He(name="he"), STREAMS)
    network.seed_dropout(STREAMS, "cpu")
    x = 1 + normal(2, 60, *inputs)
    network.double()
    set_population_statistics(network, lambda: x.split([7, 20, 33], dim=1))
    assert network.training
    seen: list[tuple[Tensor, BatchNorm]] = []
    hooks = [
        module.register_forward_pre_hook(lambda m, a: seen.append((a[0], m)))
        for module in network.modules()
        if isinstance(module, BatchNorm)
    ]
    network.eval()
    network(x)
    for hook in hooks:
        hook.remove()
    assert seen
    for values, norm in seen:
        rows = values.transpose(1, 2).flatten(2)
        # float64 sums in another order.
        torch.testing.assert_close(norm.running_mean, rows.mean(2), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(
            norm.running_var, rows.var(2, correction=0), rtol=1e-9, atol=1e-12
        )


def test_population_statistics_do_not_depend_on_the_stack() -> None:
    model = Mlp(name="mlp", depth=2, width=100, norm="batch")

    def statistics(replicates: list[int]) -> list[Tensor]:
        streams = [Streams(0, r) for r in replicates]
        network = build(model, (30,), 10, len(replicates))
        initialize(network, He(name="he"), streams)
        draws = [s.numpy("data").standard_normal((77, 30), dtype="float32") for s in streams]
        x = torch.from_numpy(np.stack(draws))
        set_population_statistics(network, lambda: x.split(25, dim=1))
        return [b.norm.running_var for b in network.chain[:-1]]

    for alone, many in zip(statistics([1]), statistics([0, 1, 2, 3, 4]), strict=True):
        assert torch.equal(alone[0], many[1])


def test_resnet20_has_the_published_size() -> None:
    """He et al. 2016: 0.27 M; 269,722 without biases in front of norms and parameters in shortcuts."""
    network = build(ResNet(name="resnet20"), (3, 32, 32), 10, 1)
    assert parameter_count(network) == 269_722
    assert len(network.chain) == 20


def test_resnet20_is_a_residual_network() -> None:
    """With branches of zero a block hands its (shortcut) input on."""
    network = build(ResNet(name="resnet20", norm="none"), (3, 16, 16), 10, 1)
    initialize(network, He(name="he"), [Streams(0, 0)])
    for block in network.chain[1:-1]:
        block.linear.weight.data.zero_()
    x = torch.rand(1, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = {}
    network(x, lambda name, z, h: seen.update({name: h}))
    first, last = seen["layer1"], seen["layer19"]
    assert torch.equal(seen["layer3"], first)
    assert last.shape == (1, 4, 64, 4, 4)
    # Option A: every fourth position after two strides, old channels in the middle.
    assert torch.equal(last[:, :, 24:40], first[..., ::4, ::4])
    assert not last[:, :, :24].any()
    assert not last[:, :, 40:].any()


def test_resnet20_alone_and_in_a_stack_agree() -> None:
    model = ResNet(name="resnet20")

    def logits(replicates: list[int]) -> Tensor:
        streams = [Streams(0, r) for r in replicates]
        network = build(model, (3, 16, 16), 10, len(replicates))
        initialize(network, Lsuv(name="lsuv"), streams, torch.ones(len(streams), 2, 3, 16, 16))
        x = torch.rand(1, 6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        return network(x.expand(len(replicates), -1, -1, -1, -1)).detach()

    # Grouped convolutions sum in another order: float32 through twenty layers.
    torch.testing.assert_close(logits([1])[0], logits([0, 1, 2])[1], rtol=1e-3, atol=1e-4)


def test_weight_scaling_is_the_geometric_mean_over_all_masks_of_one_layer() -> None:
    """All 2^8 sub-networks, enumerated; of a deeper network it is an approximation."""
    keep, width = 0.5, 8
    config = Mlp(name="mlp", depth=1, width=width, dropout=1 - keep)
    network = build(config, (5,), 3, 1).double().eval()
    initialize(network, He(name="he"), [Streams(0, 0)])
    x, seen = normal(1, 20, 5), {}
    scaled = network(x, lambda name, z, h: seen.update({name: h})).log_softmax(dim=-1)
    (hidden,) = (h for name, h in seen.items() if name == "layer1")
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=width)), dtype=torch.float64)
    output = network.chain[-1].linear
    each = [output(hidden * mask / keep).log_softmax(dim=-1) for mask in masks]
    mean = torch.stack(each).mean(dim=0).log_softmax(dim=-1)
    torch.testing.assert_close(mean, scaled, rtol=0, atol=1e-10)
    arithmetic = torch.stack(each).exp().mean(dim=0).log()
    assert (arithmetic - scaled).abs().max() > 1e-3  # the usual average is another one
