"""Networks with a leading replicate dimension, and how their weights are drawn.

`check` and the modules `architectures` and `scales` do without torch, which takes a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ablate.nn.architectures import check

if TYPE_CHECKING:
    from ablate.nn.initialization import initialize
    from ablate.nn.models import build
    from ablate.nn.network import Network, parameter_count
    from ablate.nn.own import build_own

__all__ = ["Network", "build", "build_own", "check", "initialize", "parameter_count"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from ablate.nn import initialization, models, network, own

        for module in (network, models, initialization, own):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
