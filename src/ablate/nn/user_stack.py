"""Replicates of a user's own module as one program, by `torch.func`: the general path.

The module is written for one network and knows nothing of R; `vmap` runs it over all of them.
Equal to one by one within rounding, not bit for bit: batched kernels add in another order.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablate.config.target import ModelTarget
from ablate.nn.architectures import Shape
from ablate.nn.network import Network, Tap
from ablate.nn.user_network import UserNetwork, blank, build_user_network
from ablate.streams import Streams, draws


class UserStack(Network):
    """R `UserNetwork`s whose parameters and buffers are views of common tensors (R, ...).

    Training and inference run all of them at once; the probe, which hangs hooks into a module,
    looks at one after the other. A module that draws random numbers is not stacked.
    """

    def __init__(self, networks: Sequence[UserNetwork]) -> None:
        super().__init__()
        self.networks = tuple(networks)
        self.registered = nn.ModuleList(networks)
        self.layer_names, self.multiply_adds = networks[0].layer_names, networks[0].multiply_adds
        modules = [network.module for network in networks]
        self._parameters_of_all = {
            name: nn.Parameter(
                torch.stack([module.get_parameter(name).data for module in modules]),
                own.requires_grad,
            )
            for name, own in modules[0].named_parameters()
        }
        self._buffers_of_all = {
            name: torch.stack([module.get_buffer(name) for module in modules])
            for name, _ in modules[0].named_buffers()
        }
        for r, network in enumerate(networks):
            network.share(
                {name: stacked.data[r] for name, stacked in self._parameters_of_all.items()},
                {name: stacked[r] for name, stacked in self._buffers_of_all.items()},
            )

    @property
    def parts(self) -> tuple[tuple[Network, slice], ...]:
        """Each replicate's own network: hooks see one at a time."""
        return tuple((own, slice(r, r + 1)) for r, own in enumerate(self.networks))

    def named_parameters(self, *_: Any, **__: Any) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the trained parameters, each (R, ...)."""
        yield from self._parameters_of_all.items()

    def state_dict(self, *_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return parameters and buffers (R, ...) by name, in the module's order."""
        module = self.networks[0].module
        own = {name: id(value) for name, value in module.state_dict(keep_vars=True).items()}
        stacked = {**self._parameters_of_all, **self._buffers_of_all}
        # What is used twice has two names there and one here, the first.
        first = {own[name]: value for name, value in stacked.items() if name in own}
        return {name: first[place].detach() for name, place in own.items()}

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return logits (R, B, classes) of x (R, B, *inputs); the probe's `tap` goes to parts."""
        assert tap is None
        return _run(self.networks[0].module, self._parameters_of_all, self._buffers_of_all, x)


def build_user_stack(
    config: ModelTarget,
    shape: Shape,
    outputs: int,
    streams: Sequence[Streams],
    device: torch.device,
) -> UserNetwork | UserStack:
    """Make the user's module once per replicate, each as it is made alone, and stack them."""
    networks = [build_user_network(config, shape, outputs, own, device) for own in streams]
    return networks[0] if len(networks) == 1 else UserStack(networks)


def why_not_stacked(network: UserNetwork, shape: Shape) -> str | None:
    """Return why the module cannot train in a stack, in torch's words; None where it can.

    A module that draws random numbers cannot: the draws of one replicate would depend on
    whichever others are beside it. Nor can one whose path depends on its numbers.
    """
    module = network.module
    parameters = {name: p.detach()[None] for name, p in module.named_parameters()}
    buffers = {name: b.clone()[None] for name, b in module.named_buffers()}
    own = [value for value in (*module.parameters(), *module.buffers()) if value.numel()]
    if len({value.untyped_storage().data_ptr() for value in own}) < len(own):
        return "two of its parameters or buffers lie in the same memory"

    def run() -> None:
        with torch.no_grad():
            _run(module, parameters, buffers, blank(shape, 2)[None])

    try:
        if draws(run) != draws(lambda: None):
            return "it draws random numbers, which all replicates would share"
    except Exception as error:  # whatever the module or vmap raises
        said = (str(error).strip().splitlines() or [""])[0].split(". ")[0]
        return said or type(error).__name__
    return None


def _run(module: nn.Module, parameters: Any, buffers: dict[str, Tensor], x: Tensor) -> Tensor:
    def one(own: Any, state: Any, images: Tensor) -> Any:
        return functional_call(module, (own, state), (images.clone(),))  # see UserNetwork

    mapped: Callable[..., Tensor] = vmap(one, randomness="error")
    return mapped(parameters, buffers, x)
