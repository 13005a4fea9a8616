"""Every layer, activation, norm and kind of dropout against central differences in float64.

The relative error is the largest deviation over the largest gradient. Central differences with
step h = 1e-5 err by O(h^2) = 1e-10 in the function's third derivative and by about 1e-16/h =
1e-11 in rounding, so 1e-6 leaves room for large constants and none for a wrong formula. Kinks
(relu, max-pooling, ...) are where one-sided slopes differ; with some hundred random values the
chance that one lies within 1e-5 of its kink is under 1 in 100, and the seeds are fixed.
"""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from ablate.config.model import Activation, Cnn, DropoutKind, Mlp, Norm, ResNet
from ablate.nn.dropout import Dropout
from ablate.nn.layers import Activate, Conv2d, GlobalPool, Linear, MaxPool, Shortcut
from ablate.nn.models import build
from ablate.nn.norms import BatchNorm, GroupNorm
from ablate.streams import Streams
from ablate.train.penalties import activation_penalty

STEP, LIMIT = 1e-5, 1e-6
STREAMS = [Streams(0, 0), Streams(0, 1)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def relative_error(function: Callable[[], Tensor], tensor: Tensor, places: int = 40) -> float:
    """Compare d function / d tensor by autograd with central differences at some places."""
    (gradient,) = torch.autograd.grad(function(), [tensor])
    flat, slopes = tensor.detach().view(-1), gradient.reshape(-1)
    chosen = torch.randperm(len(flat), generator=torch.Generator().manual_seed(1))[:places]
    worst = 0.0
    for place in chosen.tolist():
        before = float(flat[place])
        values = []
        for sign in (1, -1):
            flat[place] = before + sign * STEP
            values.append(float(function().detach()))
        flat[place] = before
        worst = max(worst, abs((values[0] - values[1]) / (2 * STEP) - float(slopes[place])))
    return worst / float(slopes.abs().max())


def check(module: nn.Module, *shape: int, before: Callable[[], None] = lambda: None) -> None:
    """Check the gradient of a random weighting of the output by input and parameters."""
    module.double()
    for number, parameter in enumerate(module.parameters()):
        parameter.data = normal(*parameter.shape, seed=number + 1)
    x = normal(*shape).requires_grad_()
    before()
    weighting = normal(*module(x).shape, seed=99)

    def function() -> Tensor:
        before()
        return (weighting * module(x)).sum()

    for tensor in (x, *module.parameters()):
        assert relative_error(function, tensor) < LIMIT


LAYERS = {
    "linear": (lambda: Linear(2, 5, 4), (2, 3, 5)),
    "convolution": (lambda: Conv2d(2, 2, 3, 3, padding=1), (2, 3, 2, 6, 6)),
    "strided convolution": (lambda: Conv2d(2, 2, 3, 3, 1, stride=2), (2, 3, 2, 6, 6)),
    "without bias": (lambda: Conv2d(2, 2, 3, 3, 1, with_bias=False), (2, 3, 2, 6, 6)),
    "max pool": (lambda: MaxPool(2, 2), (2, 3, 2, 5, 5)),
    "global maximum": (lambda: GlobalPool(average=False), (2, 3, 2, 4, 4)),
    "global mean": (lambda: GlobalPool(average=True), (2, 3, 2, 4, 4)),
    "pad": (lambda: nn.ZeroPad2d(2), (2, 3, 2, 4, 4)),
    "shortcut": (lambda: Shortcut(2, 3), (2, 3, 2, 5, 5)),
    "flatten": (lambda: nn.Flatten(2), (2, 3, 2, 4, 4)),
    "batch norm, own kernel": (lambda: BatchNorm(2, 5), (2, 7, 5)),
    "batch norm, torch's kernel": (lambda: BatchNorm(2, 32), (2, 7, 32)),
    "batch norm of images": (lambda: BatchNorm(2, 3), (2, 4, 3, 3, 3)),
    "layer norm": (lambda: GroupNorm(2, 6, 1), (2, 4, 6)),
    "layer norm of images": (lambda: GroupNorm(2, 6, 1), (2, 4, 6, 3, 3)),
    "group norm": (lambda: GroupNorm(2, 6, 2), (2, 4, 6)),
    "group norm of images": (lambda: GroupNorm(2, 6, 3), (2, 4, 6, 3, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    make, shape = LAYERS[name]
    check(make(), *shape)


@pytest.mark.parametrize("name", get_args(Activation))
def test_activation(name: str) -> None:
    pieces = 3 if name == "maxout" else 1
    check(Activate(name, 2, 5, pieces), 2, 4, 5 * pieces)


@pytest.mark.parametrize("kind", get_args(DropoutKind))
def test_dropout_with_a_fixed_mask(kind: DropoutKind) -> None:
    module = Dropout(0.4, "layer1", kind)
    check(module, 2, 4, 5, before=lambda: module.seed(STREAMS, "cpu"))


def test_penalty_on_activations() -> None:
    h = normal(2, 4, 5).requires_grad_()
    assert relative_error(lambda: activation_penalty(0.3, h).sum(), h) < LIMIT
    (gradient,) = torch.autograd.grad(activation_penalty(0.3, h).sum(), [h])
    torch.testing.assert_close(gradient, 0.3 * h.detach().sign() / 4)


MODELS = {
    **{f"mlp {norm}": (Mlp(name="mlp", width=6, norm=norm, groups=2), (4,)) for norm in get_args(Norm)},
    **{
        f"mlp {kind}": (
            Mlp(name="mlp", width=6, activation="tanh", dropout=0.3, input_dropout=0.2, dropout_kind=kind),
            (4,),
        )
        for kind in get_args(DropoutKind)
    },
    "cnn": (Cnn(name="cnn", channels=(3, 4), activation="tanh"), (1, 8, 8)),
    "resnet20": (ResNet(name="resnet20", activation="tanh", norm="layer"), (1, 8, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_whole_network(name: str) -> None:
    config, inputs = MODELS[name]
    network = build(config, inputs, 3, 2).double()
    for number, parameter in enumerate(network.parameters()):
        spread = 0.3 if parameter.dim() > 2 else 0.5
        parameter.data = spread * normal(*parameter.shape, seed=number + 1) + (parameter.dim() == 2)
    x = normal(2, 5, *inputs).requires_grad_()
    weighting = normal(2, 5, 3, seed=99)

    def function() -> Tensor:
        network.seed_dropout(STREAMS, "cpu")
        return (weighting * network(x)).sum()

    for tensor in (x, *list(network.parameters())[:6]):
        if float(torch.autograd.grad(function(), [tensor])[0].abs().max()) > 1e-8:
            assert relative_error(function, tensor, places=12) < LIMIT


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_takes_away_the_scale_of_the_weights(norm: str) -> None:
    """Loss invariant to W -> cW, its gradient 1/c as large (Santurkar et al. 2018)."""
    network = build(Mlp(name="mlp", depth=1, width=64, norm=norm), (10,), 3, 1).double()
    for number, parameter in enumerate(network.parameters()):
        parameter.data = normal(*parameter.shape, seed=number + 1)
    block = network.chain[0]
    block.linear.bias.data.zero_()
    block.norm.EPS = 1e-30  # else the scale shows in the last digits
    x, weighting = normal(1, 20, 10), normal(1, 20, 3, seed=9)

    def loss_and_gradient() -> tuple[Tensor, Tensor]:
        loss = (weighting * network(x)).sum()
        return loss.detach(), torch.autograd.grad(loss, [block.linear.weight])[0]

    loss, gradient = loss_and_gradient()
    block.linear.weight.data.mul_(7)
    scaled_loss, scaled_gradient = loss_and_gradient()
    # float64: rounding of a few thousand operations.
    torch.testing.assert_close(scaled_loss, loss, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(scaled_gradient, gradient / 7, rtol=1e-8, atol=1e-10)
