"""Layers against torch's own, one replicate at a time, and against central differences."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ablate.config.model import Mlp
from ablate.nn.dropout import Dropout
from ablate.nn.layers import Conv2d, Linear, MaxPool
from ablate.nn.models import build
from ablate.nn.norms import BatchNorm
from ablate.streams import Streams

STREAMS = [Streams(0, replicate) for replicate in range(3)]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def filled(module: nn.Module) -> nn.Module:
    module.double()
    for number, parameter in enumerate(module.parameters()):
        parameter.data = normal(*parameter.shape, seed=number + 1)
    return module


def test_linear() -> None:
    layer = filled(Linear(3, 5, 4))
    x = normal(3, 7, 5)
    for r in range(3):
        expected = functional.linear(x[r], layer.weight[r].T, layer.bias[r])
        torch.testing.assert_close(layer(x)[r], expected)


@pytest.mark.parametrize("replicates", [1, 3])
def test_convolution_and_pooling(replicates: int) -> None:
    layer, pool = filled(Conv2d(replicates, 2, 4, 3, padding=1)), MaxPool(4, 2)
    x = normal(replicates, 6, 2, 13, 13)
    for r in range(replicates):
        expected = functional.conv2d(x[r], layer.weight[r], layer.bias[r], padding=1)
        torch.testing.assert_close(layer(x)[r], expected)
        # A window may hang over the border, as in Caffe: 13 becomes 6.
        pooled = functional.max_pool2d(expected, 4, 2, ceil_mode=True)
        torch.testing.assert_close(pool(layer(x))[r], pooled)
        assert pooled.shape[-1] == 6


def test_fans() -> None:
    layer = Conv2d(2, 3, 8, 5, padding=0)
    assert (layer.fan_in, layer.fan_out) == (3 * 25, 8 * 25)
    assert (Linear(2, 6, 9).fan_in, Linear(2, 6, 9).fan_out) == (6, 9)


@pytest.mark.parametrize("channels", [32, 10], ids=["torch kernel", "own kernel"])
@pytest.mark.parametrize("image", [False, True], ids=["features", "image"])
def test_batch_norm_is_torchs(channels: int, image: bool) -> None:
    ours = BatchNorm(2, channels).double()
    theirs = [(nn.BatchNorm2d if image else nn.BatchNorm1d)(channels).double() for _ in range(2)]
    for seed in range(3):
        x = 2 + 3 * normal(2, 9, channels, *([4, 4] if image else []), seed=seed)
        y = ours(x)
        for r in range(2):
            torch.testing.assert_close(y[r], theirs[r](x[r]))
    ours.eval()
    x = normal(2, 1, channels, *([4, 4] if image else []))
    for r in range(2):
        theirs[r].eval()
        torch.testing.assert_close(ours(x)[r], theirs[r](x[r]))


@pytest.mark.parametrize("channels", [32, 10], ids=["torch kernel", "own kernel"])
def test_batch_norm_facts(channels: int) -> None:
    """Mean beta, variance gamma^2 s^2/(s^2 + eps); gradients orthogonal to 1 and to x-hat."""
    layer = BatchNorm(2, channels).double()
    layer.weight.data, layer.bias.data = normal(2, channels, seed=1), normal(2, channels, seed=2)
    x = (1 + 2 * normal(2, 50, channels)).requires_grad_()
    y = layer(x)
    variance = x.var(dim=1, correction=0)
    torch.testing.assert_close(y.mean(dim=1), layer.bias.data)
    expected = layer.weight.data**2 * variance / (variance + layer.EPS)
    torch.testing.assert_close(y.var(dim=1, correction=0), expected)
    (y * normal(*y.shape, seed=3)).sum().backward()
    assert x.grad is not None
    normalized = (x - x.mean(dim=1, keepdim=True)) / x.std(dim=1, keepdim=True)
    assert x.grad.sum(dim=1).abs().max() < 1e-12  # rounding of 50 terms of order 1
    # Orthogonal to x-hat up to eps/variance, here 1e-5/4.
    assert (x.grad * normalized).sum(dim=1).abs().max() < 1e-3


@pytest.mark.parametrize("channels", [32, 10], ids=["torch kernel", "own kernel"])
def test_batch_norm_can_be_the_identity(channels: int) -> None:
    """With gamma = sigma and beta = mu it gives back what comes in (Ioffe & Szegedy 2015)."""
    layer = BatchNorm(2, channels).double()
    x = 1 + 2 * normal(2, 50, channels)
    layer.weight.data = (x.var(dim=1, correction=0) + layer.EPS).sqrt()
    layer.bias.data = x.mean(dim=1)
    torch.testing.assert_close(layer(x), x, rtol=0, atol=1e-12)  # rounding of numbers of order 10


def test_batch_norm_undoes_the_scale_of_the_weights() -> None:
    x, weight = normal(1, 40, 6), normal(1, 6, 10, seed=1)
    layer = BatchNorm(1, 10).double()
    losses, gradients = [], []
    for scale in (1.0, 10.0):
        scaled = (scale * weight).requires_grad_()
        loss = (layer(x @ scaled) ** 3).sum()
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(scaled.grad)
    # Both hold up to eps, 1e-5 of a variance of about 6.
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    torch.testing.assert_close(gradients[1] * 10, gradients[0], rtol=1e-3, atol=1e-3)


def test_batch_norm_leaves_the_averages_alone_while_it_is_probed() -> None:
    for channels in (32, 10):
        network = build(Mlp(name="mlp", depth=1, width=channels, norm="batch"), (5,), 3, 1)
        layer = network.chain[0].norm
        with network.probing():
            assert layer.training
            network(torch.randn(1, 20, 5))
        assert torch.equal(layer.running_mean, torch.zeros(1, channels))
        assert torch.equal(layer.running_var, torch.ones(1, channels))


def test_dropout_keeps_the_mean_and_is_nothing_in_evaluation() -> None:
    layer = Dropout(0.3, "layer1")
    x = torch.ones(3, 200, 500)
    layer.seed(STREAMS, "cpu")
    y = layer(x)
    assert y.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    # 100,000 draws a replicate: five standard errors of a Bernoulli mean over 0.7.
    assert (y.mean(dim=(1, 2)) - 1).abs().max() < 5 * (0.3 * 0.7 / 1e5) ** 0.5 / 0.7
    layer.eval()
    assert torch.equal(layer(x), x)


def test_dropout_masks_are_each_replicates_own() -> None:
    x = torch.ones(3, 20, 10)
    together, alone = Dropout(0.5, "a"), Dropout(0.5, "a")
    together.seed(STREAMS, "cpu")
    alone.seed(STREAMS[1:2], "cpu")
    both = together(x)
    assert torch.equal(both[1:2], alone(x[1:2]))
    assert not torch.equal(both[0], both[1])


def test_dropout_without_streams_raises() -> None:
    with pytest.raises(RuntimeError, match="dropout 'a' has no random streams"):
        Dropout(0.5, "a")(torch.ones(1, 2, 2))
