"""Data of the user's own: calling their function, and saying what is wrong with its result."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ablate import user
from ablate.config.data import UserData
from ablate.data.dataset import Data, fixed_part
from ablate.errors import ConfigError
from ablate.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor


@lru_cache(maxsize=1)
def load_user_data(config: UserData) -> Data:
    """Call the function and return its data, whole but for `data.at_most`.

    Raises ConfigError where what it returns is no `ablate.Data` as its docstring has it.
    """
    data = made(config)
    held_out = {} if data.validation is None else {"validation": data.validation}
    parts = {"train": data.train, **held_out, "test": data.test}
    for name, pair in parts.items():
        _check_pair(config.name, name, pair, data)
    classes = data.classes or 1 + max(int(y.max()) for _, y in parts.values())
    kept = {name: fixed_part(pair, config.at_most, "at_most") for name, pair in parts.items()}
    return replace(data, **kept, classes=classes)


def made(config: UserData) -> Data:
    """Call the function, whose random draws are the same every time: no seed changes the data."""
    with Streams(0, 0).seeded("data", "made"):
        data = user.call(config, "data")
    if not isinstance(data, Data):
        raise ConfigError(
            f"data={config.name} returned a {type(data).__name__}; it must return "
            "ablate.Data(train=(x, y), validation=None, test=(x, y))."
        )
    return data


def _check_pair(source: str, part: str, pair: tuple[Tensor, Tensor], data: Data) -> None:
    import torch

    where = f"data={source}: {part}"
    tensors = isinstance(pair, tuple | list) and [isinstance(t, torch.Tensor) for t in pair]
    if tensors != [True, True]:
        raise ConfigError(f"{where} must be a pair (x, y) of tensors.")
    x, y = pair
    if x.dtype not in (torch.uint8, torch.float32) or x.ndim not in (2, 4):
        raise ConfigError(
            f"{where}: x is {_shown(x)}; it must be uint8 or float32, (N, C, H, W) or (N, D)."
        )
    if y.dtype != torch.int64 or y.ndim != 1 or len(y) != len(x):
        raise ConfigError(f"{where}: y is {_shown(y)}; it must be int64 ({len(x)},), as x is.")
    if x.shape[1:] != data.train[0].shape[1:]:
        raise ConfigError(
            f"{where}: its examples are {tuple(x.shape[1:])} and those of train "
            f"{tuple(data.train[0].shape[1:])}; they must be alike."
        )
    if len(y) == 0:
        raise ConfigError(f"{where} has no examples.")
    if x.dtype == torch.float32 and not torch.isfinite(x).all():
        raise ConfigError(f"{where}: x has values that are not finite.")
    low, high = int(y.min()), int(y.max())
    if low < 0 or (data.classes and high >= data.classes):
        upper = data.classes - 1 if data.classes else "the number of classes less one"
        raise ConfigError(
            f"data={source}: its labels go from {low} to {high}; they must lie from 0 to {upper}."
        )


def _shown(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
