"""Architectures against their published counts, and the data they can and cannot take."""

import pytest
import torch

from ablate.config.model import Cnn, FitNet, LeNet, Mlp, ResNet
from ablate.errors import ConfigError
from ablate.nn.architectures import Shape, check, multiply_adds
from ablate.nn.models import build
from ablate.nn.network import parameter_count
from ablate.streams import Streams

CIFAR, MNIST, DIGITS = (3, 32, 32), (1, 28, 28), (1, 8, 8)


@pytest.mark.parametrize(
    ("name", "activation", "count"),
    [
        # Counted from the published shapes; the maxout column has 2.15 times the parameters.
        ("fitnet4", "relu", 1_276_806),
        ("fitnet4", "maxout", 2_742_102),
        ("mnist_fitnet", "maxout", 21_426),
        ("fitnet1", "maxout", 348_694),
        ("fitnet2", "maxout", 1_057_622),
        ("fitnet3", "maxout", 1_699_638),
    ],
)
def test_parameters(name: str, activation: str, count: int) -> None:
    inputs = MNIST if name == "mnist_fitnet" else CIFAR
    config = FitNet(name=name, activation=activation)
    assert parameter_count(build(config, inputs, 10, replicates=2)) == count


@pytest.mark.parametrize(
    ("name", "millions"), [("fitnet1", 30), ("fitnet2", 108), ("fitnet4", 382)]
)
def test_multiply_adds_are_the_published_ones(name: str, millions: int) -> None:
    config = FitNet(name=name, activation="maxout")
    assert round(multiply_adds(config, Shape(CIFAR), 10) / 1e6) == millions


@pytest.mark.parametrize(
    ("config", "inputs"),
    [
        (Mlp(name="mlp", width=20), MNIST),
        (Mlp(name="mlp", width=20, activation="maxout", pieces=3), MNIST),
        (Cnn(name="cnn", channels=(4, 6), activation="maxout", norm="batch_after"), CIFAR),
        (LeNet(name="lenet"), MNIST),
        (FitNet(name="fitnet1"), CIFAR),
        (FitNet(name="fitnet1", activation="maxout"), CIFAR),
        (FitNet(name="mnist_fitnet", activation="maxout"), MNIST),
        (ResNet(name="resnet20"), CIFAR),
    ],
)
def test_multiply_adds_are_those_of_the_network_that_is_built(config, inputs) -> None:
    """Every number a linear map puts out has cost its fan-in."""
    network = build(config, inputs, 10, replicates=1)
    counts: list[int] = []
    for block in network.chain:
        block.linear.register_forward_hook(
            lambda module, _, output: counts.append(module.fan_in * output.numel())
        )
    network.eval()
    network(torch.zeros(1, 1, *inputs))
    assert sum(counts) == multiply_adds(config, Shape(inputs), 10)


def test_counts_of_plain_networks() -> None:
    mlp = build(Mlp(name="mlp"), MNIST, 10, 3)
    assert parameter_count(mlp) == 784 * 256 + 256 + 256 * 256 + 256 + 2570
    assert multiply_adds(Mlp(name="mlp"), Shape(MNIST), 10) == 784 * 256 + 256 * 256 + 2560
    assert parameter_count(build(LeNet(name="lenet"), MNIST, 10, 1)) == 61_706  # LeNet-5
    listed = Mlp(name="mlp", depth=None, width=[64, 128, 64], norm="batch")
    network = build(listed, MNIST, 10, 1)
    assert network.layer_names == ("layer1", "layer2", "layer3")
    weights = 784 * 64 + 64 * 128 + 128 * 64 + 640
    assert parameter_count(network) == weights + (64 + 128 + 64) * 3 + 10


@pytest.mark.parametrize(
    ("config", "inputs"),
    [
        (Mlp(name="mlp", activation="maxout", norm="batch", dropout=0.2, input_dropout=0.1), CIFAR),
        (Mlp(name="mlp"), (20,)),
        (Cnn(name="cnn", dropout=0.3), DIGITS),
        (Cnn(name="cnn", activation="prelu"), MNIST),
        (LeNet(name="lenet", norm="batch"), CIFAR),
        (LeNet(name="lenet"), MNIST),
        (FitNet(name="fitnet1", activation="maxout", norm="batch"), CIFAR),
        (FitNet(name="mnist_fitnet", activation="maxout"), MNIST),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "x".join(map(str, value)),
)
def test_shapes_and_taps(config: object, inputs: tuple[int, ...]) -> None:
    check(config, Shape(inputs))
    network = build(config, inputs, 7, replicates=2)
    network.seed_dropout([Streams(0, 0), Streams(0, 1)], "cpu")
    seen = []
    logits = network(torch.randn(2, 3, *inputs), tap=lambda name, pre, post: seen.append(name))
    assert logits.shape == (2, 3, 7)
    assert tuple(seen) == network.layer_names


@pytest.mark.parametrize(
    ("config", "inputs", "sentence"),
    [
        (
            Cnn(name="cnn", channels=[4] * 5),
            DIGITS,
            "model=cnn is too deep for images of 1 x 8 x 8",
        ),
        (LeNet(name="lenet"), DIGITS, "model=lenet is too deep for images of 1 x 8 x 8"),
        (
            Cnn(name="cnn"),
            (20,),
            "model=cnn needs images, but the data has examples of 20 features",
        ),
    ],
    ids=["deep", "lenet", "flat"],
)
def test_data_that_does_not_fit(config: object, inputs: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check(config, Shape(inputs))
