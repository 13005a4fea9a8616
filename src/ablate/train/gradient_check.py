"""Gradients against central differences: of the whole network, and of each kind of layer.

Everything runs in float64 on copies. A derivative along a random direction d is measured as
(f(x + hd) - f(x - hd)) / 2h for several h, and the smallest error counts: a rectifier's kink may
lie between the two points for one h, while a wrong formula is wrong for every one.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ablate.nn.dropout import Dropout
from ablate.nn.layers import Activate, Conv2d, GlobalPool, Linear, MaxPool, Shortcut
from ablate.nn.network import Chain, Network
from ablate.nn.norms import BatchNorm, GroupNorm
from ablate.nn.user_network import UserNetwork
from ablate.streams import Streams
from ablate.tasks import Task

#: Largest relative error of a directional derivative in float64: kinks of ReLU stay far below.
GRADIENT_TOLERANCE = 1e-4
#: Differences err by O(h^2) in truth and by about 1e-16/h in rounding.
_WIDTHS = (1e-5, 1e-4, 1e-6)
#: Slopes below this share of the whole gradient are rounding, as that of a bias before batch norm.
_NOTHING = 1e-5
#: Layers of a kind that are looked at, the first and the last; of a user's own module every one.
_OF_A_KIND = 2
_KINDS: dict[type[nn.Module], str] = {
    Linear: "linear",
    Conv2d: "convolution",
    BatchNorm: "batch norm through its statistics",
    GroupNorm: "layer or group norm",
    Dropout: "dropout with its mask",
    MaxPool: "max-pooling",
    GlobalPool: "global pooling",
    Shortcut: "shortcut",
}

_Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class GradientCheck:
    """What differs between gradients and central differences, as relative errors.

    whole   of the loss along a random direction of all parameters; None where that cannot be told:
            a task of the user's own, a module that does not go in float64 or draws numbers
    wrong   of each parameter that disagrees, by its name; looked for where `whole` is off, and
            always in a module of the user's own
    layers  the largest of each kind of layer, from its output to its input and parameters
    """

    whole: float | None
    wrong: Mapping[str, float]
    layers: Mapping[str, float]

    @property
    def wrong_layers(self) -> Mapping[str, float]:
        """Kinds of layers whose own gradient is wrong, whatever stands around them."""
        return {kind: e for kind, e in self.layers.items() if e > GRADIENT_TOLERANCE}


def check_gradients(
    network: Network, task: Task | None, x: Tensor, y: Tensor, streams: Sequence[Streams]
) -> GradientCheck:
    """Check the gradients of one replicate on a few training examples.

    task  None: of the user's own, so that only layers are looked at
    x, y  inputs (1, B, *inputs) and targets (1, B, ...)
    """
    own = isinstance(network, UserNetwork)
    try:
        copied = copy.deepcopy(network.module if isinstance(network, UserNetwork) else network)
        copied.double()
        wide = x.double() if x.is_floating_point() else x.clone()
        _move_aside(list(copied.parameters()))

        def outputs() -> Tensor:
            found: Tensor = copied(wide[0].clone())[None] if own else copied(wide)
            return found

        whole, wrong = None, dict[str, float]()
        if task is not None:
            copied.eval()
            mean = lambda: task.total(outputs(), y) / y.shape[1]  # noqa: E731
            whole, wrong = _of_parameters(copied, mean, own)
        return GradientCheck(whole, wrong, _of_layers(copied, outputs, streams, own))
    except Exception:
        if not own:
            raise
        return GradientCheck(None, {}, {})  # code of the user's own need not go in float64


def _move_aside(parameters: Sequence[Tensor]) -> None:
    """Go a little beside the initial weights, by a step of length one.

    Behind dead units with biases of zero a rectifier sits exactly at its kink, where both are
    right and differ.
    """
    generator = torch.Generator().manual_seed(0)
    draws = [_normal(p, generator) for p in parameters]
    norm = math.sqrt(sum(float(d.square().sum()) for d in draws)) or 1.0
    with torch.no_grad():
        for parameter, drawn in zip(parameters, draws, strict=True):
            parameter.add_(drawn / norm)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float64)


def _of_parameters(
    network: nn.Module, loss: Callable[[], Tensor], one_by_one: bool
) -> tuple[float | None, dict[str, float]]:
    """Return the error of the whole gradient, and those of the parameters that disagree."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    parameters = [p for _, p in named]
    with torch.no_grad():
        if float(loss()) != float(loss()):
            return None, {}  # it draws random numbers
    gradients = torch.autograd.grad(loss(), parameters, allow_unused=True)
    size = math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))
    generator = torch.Generator().manual_seed(1)
    directions = [_normal(p, generator) for p in parameters]
    norm = math.sqrt(sum(float(d.square().sum()) for d in directions))
    whole = _error(loss, parameters, [d / norm for d in directions], gradients, size)
    wrong = {}
    if one_by_one or whole > GRADIENT_TOLERANCE:
        for (name, parameter), drawn, gradient in zip(named, directions, gradients, strict=True):
            error = _error(loss, [parameter], [drawn / drawn.norm()], [gradient], size)
            if error > GRADIENT_TOLERANCE:
                wrong[_called(network, name)] = error
    return max([whole, *wrong.values()]), wrong


def _error(
    function: Callable[[], Tensor],
    moved: Sequence[Tensor],
    directions: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    size: float,
) -> float:
    """Return the relative error of the derivative along a direction, the smallest of all widths."""
    pairs = zip(gradients, directions, strict=True)
    slope = sum(float((g * d).sum()) for g, d in pairs if g is not None)
    smallest = math.inf
    for width in _WIDTHS:
        values = list[float]()
        with torch.no_grad():
            for sign in (1, -2, 1):  # and back to where it was
                torch._foreach_add_(list(moved), list(directions), alpha=sign * width)
                values.append(float(function()) if len(values) < 2 else 0.0)
        measured = (values[0] - values[1]) / (2 * width)
        off = abs(measured - slope) / max(abs(measured), abs(slope), _NOTHING * size, 1e-8)
        smallest = min(smallest, off) if math.isfinite(off) else smallest
        if smallest <= GRADIENT_TOLERANCE:
            break
    return smallest


def _of_layers(
    network: nn.Module, outputs: Callable[[], Tensor], streams: Sequence[Streams], own: bool
) -> dict[str, float]:
    """Return the largest error of each kind of layer, each looked at by itself as it trains."""
    seen: dict[nn.Module, _Arguments] = {}

    def before(module: nn.Module, arguments: _Arguments) -> None:
        seen.setdefault(module, tuple(map(_copied, arguments)))

    network.train()
    with ExitStack() as hooks, torch.no_grad(), streams[0].seeded("dropout", "model"):
        for module in network.modules():
            if not any(module.children()) and (own or _kind(module)):
                hooks.enter_context(module.register_forward_pre_hook(before))
        if isinstance(network, Network):
            network.seed_dropout(streams, "cpu")
        outputs()
    kinds: dict[str, list[nn.Module]] = {}
    for module in seen:
        kinds.setdefault(_kind(module) or type(module).__name__, []).append(module)
    found = {}
    for kind, modules in kinds.items():
        looked_at = modules if own else [*modules[:1], *modules[1:][-(_OF_A_KIND - 1) :]]
        errors = [_of_layer(module, seen[module], streams) for module in looked_at]
        told = [error for error in errors if error is not None]
        if told:
            found[kind] = max(told)
    return found


def _copied(argument: Any) -> Any:
    return argument.detach().clone() if isinstance(argument, Tensor) else argument


def _of_layer(module: nn.Module, arguments: _Arguments, streams: Sequence[Streams]) -> float | None:
    """Return the error of a layer's own gradient; None where it gives no tensor of numbers."""
    generator = torch.Generator().manual_seed(2)
    x, *others = arguments if arguments else (None,)
    moved: list[Tensor] = [p for p in module.parameters() if p.requires_grad]
    if isinstance(x, Tensor) and x.is_floating_point():
        # A little aside, where neither a rectifier nor a maximum sits at its kink.
        x = (x + 0.01 * _normal(x, generator)).requires_grad_()
        moved = [x, *moved]

    def given() -> Tensor:
        if isinstance(module, Dropout):
            module.seed(streams, "cpu")  # the same mask each time
        with streams[0].seeded("dropout", "model"):
            # Copies: some work in place.
            found: Tensor = module(x.clone() if isinstance(x, Tensor) else x, *others)
        return found

    first = given()
    if not moved or not isinstance(first, Tensor) or not first.requires_grad:
        return None
    weighting = _normal(first, generator)
    function = partial(_weighted, given, weighting)
    gradients = torch.autograd.grad(function(), moved, allow_unused=True)
    size = math.sqrt(sum(float(g.square().sum()) for g in gradients if g is not None))
    drawn = [_normal(part, generator) for part in moved]
    return max(
        _error(function, [part], [d / d.norm()], [gradient], size)
        for part, d, gradient in zip(moved, drawn, gradients, strict=True)
    )


def _weighted(given: Callable[[], Tensor], weighting: Tensor) -> Tensor:
    return (given() * weighting).sum()


def _kind(module: nn.Module) -> str:
    """Return what a reader calls a layer of this package; of others nothing."""
    return module.name if isinstance(module, Activate) else _KINDS.get(type(module), "")


def _called(network: nn.Module, name: str) -> str:
    """Return a parameter's name as reports call layers: `layer1.weight`."""
    if not isinstance(network, Chain):
        return name
    _, number, *rest = name.split(".")
    return ".".join([network.chain[int(number)].name, *rest]).replace(".linear.", ".")
