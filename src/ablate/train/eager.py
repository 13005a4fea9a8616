"""torch's optimizers without its compiler, which nothing here uses and whose import takes seconds.

What they are made by and step by imports `torch._dynamo` only to keep it from tracing them.
"""

import inspect
from functools import cache
from typing import Any, TypeVar, cast

import torch

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


def eager(kind: type[Kind]) -> type[Kind]:
    """Return a kind of optimizer that takes the same steps, to the bit, and imports no compiler."""
    return cast(type[Kind], _plain(kind))  # type: ignore[arg-type]


@cache
def _plain(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    plain: dict[str, Any] = {
        name: inspect.unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad")
    }
    plain["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), plain)
