"""Networks with a leading replicate dimension, and how their weights are drawn.

`check` and the modules `architectures` and `scales` do without torch, which takes a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ablate.nn.architectures import check, multiply_adds

if TYPE_CHECKING:
    from ablate.nn.initialization import initialize
    from ablate.nn.models import build, build_network
    from ablate.nn.network import Chain, Network, parameter_count
    from ablate.nn.user_network import UserNetwork, build_user_network
    from ablate.nn.user_stack import UserStack, build_user_stack, why_not_stacked

__all__ = [
    "Chain",
    "Network",
    "UserNetwork",
    "UserStack",
    "build",
    "build_network",
    "build_user_network",
    "build_user_stack",
    "check",
    "initialize",
    "multiply_adds",
    "parameter_count",
    "why_not_stacked",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from ablate.nn import initialization, models, network, user_network, user_stack

        for module in (network, models, initialization, user_network, user_stack):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
