"""What of that which a module of the user's own returns is its output."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from torch import Tensor, nn

from ablate.config.target import OUTPUT
from ablate.errors import ConfigError, nearest, one_of


def chosen(output: str | int, _: nn.Module, __: object, returned: object) -> object:
    """Return what of that which a module returned `model._output_` names; a tensor as it is."""
    if isinstance(returned, Tensor):
        return returned
    parts = _parts(returned)
    if output not in parts:
        kind, names = type(returned).__name__, [str(name) for name in parts]
        raise ConfigError(
            f"model.{OUTPUT}={output} is not there: the model returns a {kind}, which has "
            f"{one_of(names) if names else 'no parts'}.{nearest(str(output), names)}"
        )
    return parts[output]


def _parts(returned: object) -> Mapping[Any, object]:
    """Return what is in a mapping, a tuple or list (by number), or a dataclass."""
    if isinstance(returned, Mapping):
        return returned
    if is_dataclass(returned):
        return vars(returned)
    return dict(enumerate(returned)) if isinstance(returned, tuple | list) else {}


def check_logits(what: str, logits: object, shape: tuple[int, ...], when: str = "") -> None:
    """Raise ConfigError unless a model returned logits of a shape (B, ...).

    when  says what was special about it
    """
    if isinstance(logits, Tensor) and tuple(logits.shape) == shape:
        return
    examples = shape[0]
    got = tuple(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
    parts = _parts(logits)
    named = f", or model.{OUTPUT} name them: {one_of(map(str, parts))}" if parts else ""
    raise ConfigError(
        f"{what} returns {got} for {examples} example{'s'[: examples - 1]}{when}; it must "
        f"return logits {shape}{named}."
    )
