"""A user's own plain `nn.Module` as a network of one replicate.

It is called without the replicate dimension; its parameters carry it, (1, ...), so that
optimizers, penalties and the ledger see what they see of every network here.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy

from ablate import user
from ablate.config.target import ModelTarget
from ablate.errors import ConfigError
from ablate.nn.activations import ELEMENTWISE
from ablate.nn.architectures import Shape
from ablate.nn.network import Network, Tap
from ablate.nn.user_output import check_logits, chosen
from ablate.streams import Streams

#: Activations of torch whose flat parts are known here by another name.
_KNOWN = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
_ACTIVATIONS = tuple(
    kind
    for name, kind in vars(nn.modules.activation).items()
    if isinstance(kind, type) and kind.__module__ == nn.modules.activation.__name__
    and not any(word in name for word in ("oftmax", "oftmin", "Attention"))
)  # fmt: skip

#: Examples on which a module is tried when it is made.
_TRIED = 2


@dataclass(frozen=True, eq=False)
class _Layer:
    """A module that the probe listens to, and the weights of the linear map before it."""

    name: str
    module: nn.Module
    weight: nn.Parameter


class UserNetwork(Network):
    """A module of the user's own, x (B, *inputs) -> logits (B, classes), as R = 1 networks.

    The probe listens to its activation modules (`nn.ReLU`, ...), in the order of their calls;
    where it calls functions instead, to its linear maps and convolutions but the last.
    """

    drops, norms = (_DropoutNd, nn.RNNBase, nn.MultiheadAttention), _BatchNorm

    def __init__(
        self, module: nn.Module, tried: Tensor, what: str, outputs: tuple[int, ...] = ()
    ) -> None:
        """Make it of a module that is tried on a few examples (B, *inputs), in evaluation mode.

        what     whose module it is, for the sentence where it fails: `model=mylab.nets.Net`
        outputs  the shape that an example's must have; empty: any
        """
        super().__init__()
        self.module = module
        self._layers, self.multiply_adds = _listened(module, tried, what, outputs)
        module.train()  # before it is asked what is frozen: many say so there
        self.layer_names = tuple(layer.name for layer in self._layers)
        known = [_KNOWN.get(type(layer.module)) for layer in self._layers]
        self.saturation = tuple(ELEMENTWISE[k].saturated if k else None for k in known)
        # Views: a step on the stacked parameters is one on the module's own.
        self._stacked = {
            name: nn.Parameter(parameter.data[None], requires_grad=parameter.requires_grad)
            for name, parameter in module.named_parameters()
        }
        stacked = {id(own): self._stacked[name] for name, own in module.named_parameters()}
        self.probed_weights = tuple(stacked[id(layer.weight)] for layer in self._layers)

    @torch.no_grad()
    def share(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> None:
        """Put the module's numbers into other memory, where a stack keeps those of all."""
        for name, own in self.module.named_parameters():
            own.data = parameters[name]
            self._stacked[name].data = parameters[name][None]
        for name, buffer in self.module.named_buffers():
            buffer.data = buffers[name]

    def named_parameters(self, *_: Any, **__: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the trained parameters, each (1, ...)."""
        yield from self._stacked.items()

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return parameters and buffers by name, as views (1, ...) of the module's."""
        return {name: value[None] for name, value in self.module.state_dict().items()}

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return logits (1, B, classes) of x (1, B, *inputs)."""
        parameters = {name: parameter[0] for name, parameter in self._stacked.items()}
        with _listening(self._layers if tap is not None else (), tap):
            # A copy: batches share their memory, and a module may work in place or keep its input.
            logits: Tensor = functional_call(self.module, parameters, (x[0].clone(),))
        return logits[None]

    def seed_dropout(self, streams: Sequence[Streams], device: str) -> None:
        """Seed the global generators, from which modules of the user's own draw."""
        streams[0].seed_globally("dropout", "model")


def build_user_network(
    config: ModelTarget,
    shape: Shape,
    outputs: int,
    streams: Streams,
    device: torch.device,
) -> UserNetwork:
    """Make the user's module on `device`, its weights drawn from the stream `init`.

    It is made under a seeded global generator. Where the module itself has `reset_parameters`,
    every submodule's is called afterwards under a stream of the submodule's name, the module's
    own last: layers that two architectures share by name then start from the same numbers. Lazy
    ones are given their shapes before.

    Raises ConfigError where it cannot be made, or does not take such examples.
    """
    streams.seed_globally("init", "model")
    try:
        module = user.call(
            config,
            "model",
            inputs=shape.inputs,
            classes=outputs,
            outputs=outputs,
            vocabulary=shape.vocabulary,
        )
    except ConfigError:
        raise
    except user.RAISED as error:
        raise ConfigError(f"model={config.name} cannot be made: {user.said_by(error)}.") from error
    if not isinstance(module, nn.Module):
        raise ConfigError(
            f"model={config.name} gives a {type(module).__name__}; it must be a torch.nn.Module."
        )
    if config.output is not None:
        # A hook: whoever calls the module has its output, and no parameter gets another name.
        module.register_forward_hook(partial(chosen, config.output))
    if hasattr(module, "reset_parameters"):
        if any(map(is_lazy, (*module.parameters(), *module.buffers()))):
            _tried(module, blank(shape, _TRIED), f"model={config.name}")
        itself, *parts = module.named_modules()
        for name, part in [*parts, itself]:
            if hasattr(part, "reset_parameters"):
                streams.seed_globally("init", name or "model")
                part.reset_parameters()
    tried, what = blank(shape, _TRIED).to(device), f"model={config.name}"
    return UserNetwork(module.to(device), tried, what, shape.of_outputs(outputs)).train()


def blank(shape: Shape, examples: int) -> Tensor:
    """Return examples (B, *inputs) of zeros: of numbers, or of the token 0."""
    dtype = torch.int64 if shape.vocabulary else torch.float32
    return torch.zeros(examples, *shape.inputs, dtype=dtype)


def drawn(shape: Shape, examples: int) -> Tensor:
    """Return examples (B, *inputs), always the same: numbers from [0, 1), or tokens."""
    generator = torch.Generator().manual_seed(0)
    if shape.vocabulary:
        return torch.randint(shape.vocabulary, (examples, *shape.inputs), generator=generator)
    return torch.rand(examples, *shape.inputs, generator=generator)


def _listened(
    module: nn.Module, tried: Tensor, what: str, outputs: tuple[int, ...]
) -> tuple[tuple[_Layer, ...], int]:
    """Run a few examples through the module, which makes its lazy parameters.

    Return what the probe is to listen to, and the multiply-adds of one example in linear maps and
    convolutions: per number put out, as many as there are weights into it.
    """
    called: list[tuple[str, nn.Module]] = []
    count = 0

    def ran(place: str, part: nn.Module, given: tuple[Any, ...], output: object) -> None:
        nonlocal count
        if isinstance(part, nn.Linear | nn.modules.conv._ConvNd) and isinstance(output, Tensor):
            count += output.numel() // len(tried) * part.weight[0].numel()
        # One tensor in and one out: others, as a recurrent layer, have no one activation.
        plain = isinstance(output, Tensor) and bool(given) and isinstance(given[0], Tensor)
        if place and plain and not any(part.children()):
            called.append((place, part))

    with ExitStack() as hooks:
        for place, part in module.named_modules():
            hooks.enter_context(part.register_forward_hook(partial(ran, place)))
        logits = _tried(module, tried, what)
    if outputs:
        check_logits(what, logits, (len(tried), *outputs))
    return _activations(called) or _linear_maps(called), count


@torch.no_grad()
def _tried(module: nn.Module, examples: Tensor, what: str) -> object:
    """Return what a module gives for examples (B, *inputs) in evaluation mode."""
    module.eval()
    try:
        return module(examples.clone())
    except ConfigError:
        raise
    except user.RAISED as error:
        shown = " x ".join(map(str, examples.shape[1:]))
        raise ConfigError(f"{what} fails on examples {shown}: {user.said_by(error)}.") from error


def _activations(called: Sequence[tuple[str, nn.Module]]) -> tuple[_Layer, ...]:
    layers: list[_Layer] = []
    weight: nn.Parameter | None = None
    calls = Counter[str]()
    for name, module in called:
        own = _weight_of(module)
        if own is not None:
            weight = own
        elif isinstance(module, _ACTIVATIONS) and weight is not None and weight.requires_grad:
            calls[name] += 1
            shown = name if calls[name] == 1 else f"{name}#{calls[name]}"
            layers.append(_Layer(shown, module, weight))
    return tuple(layers)


def _linear_maps(called: Sequence[tuple[str, nn.Module]]) -> tuple[_Layer, ...]:
    maps = {name: (module, _weight_of(module)) for name, module in called}
    found = [_Layer(name, m, w) for name, (m, w) in maps.items() if w is not None]
    return tuple(layer for layer in found[:-1] if layer.weight.requires_grad)


def _weight_of(module: nn.Module) -> nn.Parameter | None:
    """Return the weight of a linear map or convolution; other modules have none."""
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, nn.Parameter) and weight.ndim > 1 else None


@contextmanager
def _listening(layers: Sequence[_Layer], tap: Tap | None) -> Iterator[None]:
    """Tell `tap` of every call of the layers' modules, in order."""
    names = defaultdict[nn.Module, deque[str]](deque)
    for layer in layers:
        names[layer.module].append(layer.name)
    seen: dict[nn.Module, Tensor] = {}

    def before(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        seen[module] = arguments[0].detach().clone()  # it may be about to be overwritten

    def after(module: nn.Module, _: object, output: Tensor) -> Tensor:
        post = output[None]
        pre = seen[module][None] if _weight_of(module) is None else post.detach()
        assert tap is not None
        tap(names[module][0], pre, post)
        names[module].rotate(-1)
        # Through `post`, so that it has a gradient; a copy, so that nothing overwrites it.
        return post[0].clone()

    with ExitStack() as hooks:
        for module in names:
            hooks.enter_context(module.register_forward_pre_hook(before))
            hooks.enter_context(module.register_forward_hook(after))
        yield
