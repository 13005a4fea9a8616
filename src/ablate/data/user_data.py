"""Data of the user's own: calling their function, and saying what is wrong with its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from ablate import user
from ablate.config.data import UserData
from ablate.config.task import Shipped
from ablate.data.dataset import Data, Other, at_most, fixed_part
from ablate.data.user_tokens import check_following, check_missing, vocabulary_of
from ablate.errors import ConfigError, one_of
from ablate.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor

#: Classes that a sentence names.
_NAMED = 3
#: What data may be for; `own`: a task of the user's own, which knows.
_TASKS = (*get_args(Shipped), "own")
#: What further targets may be for.
_BESIDE = ("classification", "regression", "multilabel")


@lru_cache(maxsize=1)
def load_user_data(config: UserData) -> Data:
    """Call the function and return its data, whole but for `data.at_most`.

    Raises ConfigError where what it returns is no `ablate.Data` as its docstring has it.
    """
    data = made(config)
    if data.task not in _TASKS:
        raise ConfigError(
            f"data={config.name}: task is {data.task!r}; allowed are {one_of(_TASKS)}."
        )
    parts = _parts(data)
    pairs = {
        name: _checked_pair(config.name, name, pair, data.task) for name, pair in parts.items()
    }
    for name, (x, y) in pairs.items():
        _check_alike(config.name, name, x, pairs["train"][0])
        _check_alike_targets(config.name, name, y, pairs["train"][1])
    inputs = {name: x for name, (x, _) in pairs.items()}
    vocabulary = vocabulary_of(config.name, data.vocabulary, data.task, inputs)
    classes = 0
    if data.task == "next_token":
        classes = vocabulary
        for name, (x, y) in pairs.items():
            check_following(f"data={config.name}: {name}", x, y, vocabulary)
    if data.task == "classification":
        classes = _classes(config.name, data.classes, {name: y for name, (_, y) in pairs.items()})
    sizes = {name: len(y) for name, (_, y) in pairs.items()}
    others = _others(config.name, data.others, sizes)
    whole = Data(pairs["train"], None, pairs["test"], classes, data.task, vocabulary, others)
    held_out = pairs.get("validation")
    if held_out is not None:
        held_out = fixed_part(held_out, config.at_most, "at_most")
    return replace(at_most(whole, config.at_most, "at_most"), validation=held_out)


def outputs_for(targets: Data | Other) -> int:
    """Return how many outputs a network needs for loaded data; 0 where only a task knows."""
    if targets.task == "own":
        return 0
    y = targets.train if isinstance(targets, Other) else targets.train[1]
    return targets.classes or y.shape[1]


def _others(source: str, others: Any, sizes: Mapping[str, int]) -> Mapping[str, Other]:
    """Return further targets as their tasks take them; raises ConfigError as for the first.

    sizes  examples of each part
    """
    if not isinstance(others, Mapping):
        raise ConfigError(
            f"data={source}: others is a {type(others).__name__}; it must be a mapping of names to "
            "ablate.Other(task, train, test)."
        )
    return {name: _other(source, name, other, sizes) for name, other in others.items()}


def _other(source: str, name: Any, other: Any, sizes: Mapping[str, int]) -> Other:
    import torch

    where = f"{source}: others[{name!r}]"
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(f"data={where}: the name must be letters, digits and _, as a keyword is.")
    if not isinstance(other, Other):
        raise ConfigError(
            f"data={where} is a {type(other).__name__}; it must be ablate.Other(task, train, test)."
        )
    if other.task not in _BESIDE:
        raise ConfigError(f"data={where}: task is {other.task!r}; allowed are {one_of(_BESIDE)}.")
    targets: dict[str, Tensor] = {}
    for part in ("train", "test"):
        y, rows = getattr(other, part), sizes[part]
        if not isinstance(y, torch.Tensor) or y.device.type != "cpu" or y.layout != torch.strided:
            raise ConfigError(f"data={where}: {part} must be a dense tensor on the CPU.")
        if y.ndim == 0 or len(y) != rows:
            raise ConfigError(
                f"data={where}: {part} is {_shown(y)}; it must have {rows} rows, as x has."
            )
        plain = y.detach().as_subclass(torch.Tensor).contiguous()
        targets[part] = _targets(f"data={where}: {part}", plain, other.task)
    _check_alike_targets(where, "test", targets["test"], targets["train"])
    of_classes = other.task == "classification"
    classes = _classes(where, other.classes, targets) if of_classes else 0
    return Other(other.task, targets["train"], targets["test"], classes)


def made(config: UserData) -> Data:
    """Call the function, whose random draws are the same every time: no seed changes the data."""
    with Streams(0, 0).seeded("data", "made"), user.calling("data", config.name):
        data = user.call(config, "data")
    if not isinstance(data, Data):
        raise ConfigError(
            f"data={config.name} returned a {type(data).__name__}; it must return "
            "ablate.Data(train=(x, y), validation=None, test=(x, y))."
        )
    return data


def notes(config: UserData) -> list[str]:
    """Return a sentence for each thing that is allowed of the data, and should be known."""
    data = load_user_data(config)
    where, found = f"note: data={config.name}", []
    (x, _), (tested, labels) = data.train, data.test
    if _overlap(x, tested):
        found.append(f"{where}: test has examples that train has: they lie in the same memory.")
    if data.task != "classification":
        return found
    if absent := _absent(data.train[1], data.classes):
        found.append(f"{where}: train has no example of {absent}, which no network can learn.")
    if (labels == labels[0]).all():
        found.append(f"{where}: all examples of test are of class {int(labels[0])}.")
    return found


def _parts(data: Data) -> dict[str, Any]:
    held_out = {} if data.validation is None else {"validation": data.validation}
    return {"train": data.train, **held_out, "test": data.test}


def _classes(source: str, declared: Any, labels: Mapping[str, Tensor]) -> int:
    """Return the number of classes; raises ConfigError for labels that cannot be meant."""
    whole = isinstance(declared, int | np.integer) and not isinstance(declared, bool)
    if not whole or declared < 0 or declared == 1:
        raise ConfigError(
            f"data={source}: classes is {declared!r}; it must be a whole number from 2 on, or 0 "
            "for as many as the labels have."
        )
    low = min(int(y.min()) for y in labels.values())
    high = max(int(y.max()) for y in labels.values())
    if low < 0 or (declared and high >= declared):
        upper = declared - 1 if declared else "the number of classes less one"
        raise ConfigError(
            f"data={source}: its labels go from {low} to {high}; they must lie from 0 to {upper}."
        )
    absent = "" if declared else _absent(labels["train"], 1 + high)
    if absent:
        raise ConfigError(
            f"data={source}: its labels go from {low} to {high}, but train has no example of "
            f"{absent}; labels must count from 0 and each class must be in train, unless "
            f"ablate.Data(..., classes={1 + high}) says that there are so many."
        )
    if not declared and high == 0:
        raise ConfigError(
            f"data={source}: all its labels are 0; there must be two classes or more, which "
            "ablate.Data(..., classes=2) says where one has no example."
        )
    return int(declared) or 1 + high


def _absent(labels: Tensor, classes: int) -> str:
    """Name the classes that have no label: `class 3`, or the first few of many; empty: none."""
    there = set(np.unique(labels.numpy()).tolist())
    first = list(islice((k for k in range(classes) if k not in there), _NAMED))
    count = classes - len(there)
    if not count:
        return ""
    rest = f" and {count - len(first)} more" if count > len(first) else ""
    return f"class {', '.join(map(str, first))}{rest}"


def _overlap(a: Tensor, b: Tensor) -> bool:
    """Tell whether two contiguous tensors share memory."""
    return max(a.data_ptr(), b.data_ptr()) < min(
        t.data_ptr() + t.numel() * t.element_size() for t in (a, b)
    )


def _checked_pair(source: str, part: str, pair: Any, task: str) -> tuple[Tensor, Tensor]:
    """Return a pair as plain contiguous tensors without a history of gradients."""
    import torch

    where = f"data={source}: {part}"
    tensors = isinstance(pair, tuple | list) and [isinstance(t, torch.Tensor) for t in pair]
    if tensors != [True, True]:
        raise ConfigError(f"{where} must be a pair (x, y) of tensors.")
    for name, tensor in zip("xy", pair, strict=True):
        if tensor.layout != torch.strided or tensor.is_nested or tensor.device.type != "cpu":
            kind = f"{str(tensor.layout).removeprefix('torch.')}, on {tensor.device}"
            raise ConfigError(f"{where}: {name} is {kind}; it must be a dense tensor on the CPU.")
    # A subclass (a parameter, an image of torchvision) has operations of its own.
    x, y = (tensor.detach().as_subclass(torch.Tensor).contiguous() for tensor in pair)
    numbers = x.dtype in (torch.uint8, torch.float32) and x.ndim in (2, 4)
    if not numbers and not (x.dtype == torch.int64 and x.ndim == 2):
        raise ConfigError(
            f"{where}: x is {_shown(x)}; it must be uint8 or float32, (N, C, H, W) or (N, D), or "
            "tokens, int64 (N, T)."
        )
    if y.ndim == 0 or len(y) != len(x):
        raise ConfigError(f"{where}: y is {_shown(y)}; it must have {len(x)} rows, as x has.")
    if task != "own":
        y = _targets(where, y, task)
    if x.numel() == 0:
        raise ConfigError(f"{where} has no examples, or examples of no numbers.")
    if x.dtype == torch.float32:
        check_missing(where, x)
    if x.dtype == torch.float32 and not torch.isfinite(x).all():
        raise ConfigError(f"{where}: x has values that are not finite.")
    return x, y


def _targets(where: str, y: Tensor, task: str) -> Tensor:
    """Return targets as a task takes them; raises ConfigError where they are something else."""
    from ablate.tasks.build import natural_task

    given = _shown(y)
    if task == "regression" and y.is_floating_point():
        y = y.float()
        y = y[:, None] if y.ndim == 1 else y
    if task == "multilabel":
        y = y.float()
    wanted = natural_task(task).mismatch(y)
    if wanted is None:
        return y
    wanted = wanted.replace("N,", f"{len(y)},")
    other = f"{where}: y is {given}; for task='{task}' it must be {wanted}"
    if task == "classification" and y.is_floating_point():
        other += '. Numbers to predict are ablate.Data(..., task="regression")'
    raise ConfigError(f"{other}.")


def _check_alike_targets(source: str, part: str, y: Tensor, trained: Tensor) -> None:
    if y.shape[1:] != trained.shape[1:]:
        raise ConfigError(
            f"data={source}: {part}: y is {_shown(y)} and that of train {_shown(trained)}; they "
            "must have the same columns."
        )


def _check_alike(source: str, part: str, x: Tensor, trained: Tensor) -> None:
    if x.shape[1:] != trained.shape[1:]:
        raise ConfigError(
            f"data={source}: {part}: its examples are {tuple(x.shape[1:])} and those of train "
            f"{tuple(trained.shape[1:])}; they must be alike."
        )
    if x.dtype != trained.dtype:
        raise ConfigError(
            f"data={source}: {part}: x is {_shown(x)} and that of train {_shown(trained)}; they "
            "must be of one type, since uint8 is divided by 255."
        )


def _shown(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
