"""A whole search of two settings as one run: a grid, random draws, or a coarse grid refined once.

All settings of a search are networks that train side by side from the same weights and in the same
order, so that a search of 25 takes a fraction of a second.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ablate.config import RunConfig
from ablate.data import Data
from ablate.errors import ConfigError, one_of
from ablate.streams import Streams

Method = Literal["grid", "random", "refined"]
#: Settings of a search: a grid of 5 x 5, as many draws, or 4 x 4 and then 3 x 3 about the best.
BUDGET = 25
_FINE, _COARSE, _AROUND = 5, 4, 3
_MOMENTUM = 0.9

#: Settings (S, 2) as places in the unit square, of the logarithms of learning rate and decay.
Places = npt.NDArray[np.float64]


def choose(
    config: RunConfig,
    data: Data,
    streams: Streams,
    method: Method = "grid",
    rate: Sequence[float] = (0.001, 10.0),
    decay: Sequence[float] = (1e-7, 1e-4),
    width: int = 32,
    steps: int = 30,
    batch_size: int = 32,
) -> dict[str, float]:
    """Search learning rate and weight decay of a small network, as the procedure of a study.

    method       how `BUDGET` settings are chosen
    rate, decay  the least and the largest, searched by their logarithms
    width        of the one hidden layer of ReLU units, trained for `steps` steps with momentum

    Metrics: the accuracies `validation/accuracy` of the best setting by validation, the first of
    equals, and its `test/accuracy`; and the setting itself. Raises ConfigError for another method.
    """
    if method not in get_args(Method):
        raise ConfigError(f"trainer.method is '{method}'; {one_of(get_args(Method))} is allowed.")
    assert data.validation is not None, "the replicate's own split has one"
    x, mean, deviation = _scaled(data.train[0])
    there = [((_numbers(own) - mean) / deviation, y) for own, y in (data.validation, data.test)]
    classes = int(data.train[1].max()) + 1
    low, high = (np.log([ends[i] for ends in (rate, decay)]) for i in (0, 1))

    def tried(places: Places) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        settings = torch.from_numpy(np.exp(low + places * (high - low))).float()
        networks = _train((x, data.train[1]), settings, streams, width, classes, steps, batch_size)
        validation, test = (_accuracies(networks, *own) for own in there)
        return validation, test

    places = first_places(method, streams)
    validation, test = tried(places)
    if method == "refined":
        more = refined_places(places[int(np.argmax(validation))])
        further = tried(more)
        places = np.concatenate([places, more])
        validation = np.concatenate([validation, further[0]])
        test = np.concatenate([test, further[1]])
    best = int(np.argmax(validation))
    lr, weight_decay = np.exp(low + places[best] * (high - low))
    return {
        "validation/accuracy": float(validation[best]),
        "test/accuracy": float(test[best]),
        "chosen_rate": float(lr),
        "chosen_decay": float(weight_decay),
    }


def first_places(method: Method, streams: Streams) -> Places:
    """Return where a search looks first, (S, 2) in the unit square.

    A grid has the middles of equal cells; draws are uniform (Bergstra & Bengio 2012).
    """
    if method == "random":
        return streams.numpy("search").random((BUDGET, 2))
    count = _FINE if method == "grid" else _COARSE
    middles = (np.arange(count) + 0.5) / count
    return np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)


def refined_places(best: npt.NDArray[np.float64]) -> Places:
    """Return the middles of a finer grid over the cell of the coarse grid that was best."""
    middles = (np.arange(_AROUND) - (_AROUND - 1) / 2) / (_AROUND * _COARSE)
    around = np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2)
    found: Places = best + around
    return found


def _numbers(x: Tensor) -> Tensor:
    return x.flatten(1).float()


def _scaled(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = _numbers(x)
    mean, deviation = x.mean(), x.std()
    return (x - mean) / deviation, mean, deviation


def _train(
    training: tuple[Tensor, Tensor],
    settings: Tensor,
    streams: Streams,
    width: int,
    classes: int,
    steps: int,
    batch_size: int,
) -> list[Tensor]:
    """Return weights and biases (S, ...) of S networks, one for each setting (S, 2)."""
    x, y = training
    shapes = ((x.shape[1], width), (1, width), (width, classes), (1, classes))
    parameters = []
    for number, shape in enumerate(shapes):
        drawn = streams.numpy("init", f"search{number}").standard_normal(shape, dtype="float32")
        scale = (2 / shape[0]) ** 0.5 if shape[0] > 1 else 0.0
        parameters.append(torch.from_numpy(scale * drawn).repeat(len(settings), 1, 1))
    velocities = [torch.zeros_like(p) for p in parameters]
    rate, decay = (column.view(-1, 1, 1) for column in settings.T)
    per_epoch = len(x) // batch_size
    for step in range(steps):
        epoch, place = divmod(step, per_epoch)
        order = streams.numpy("order", epoch).permutation(len(x))
        chosen = torch.from_numpy(order[place * batch_size : (place + 1) * batch_size])
        for parameter in parameters:
            parameter.requires_grad_()
        outputs = _outputs(parameters, x[chosen])
        targets = y[chosen].repeat(len(settings))
        loss = functional.cross_entropy(outputs.flatten(0, 1), targets, reduction="sum")
        gradients = torch.autograd.grad(loss / batch_size, parameters)
        with torch.no_grad():
            for parameter, velocity, gradient in zip(
                parameters, velocities, gradients, strict=True
            ):
                velocity.mul_(_MOMENTUM).add_(gradient + decay * parameter)
                parameter.sub_(rate * velocity)
    return [parameter.detach() for parameter in parameters]


def _outputs(parameters: Sequence[Tensor], x: Tensor) -> Tensor:
    first, first_bias, last, last_bias = parameters
    hidden = torch.relu(x @ first + first_bias)
    return hidden @ last + last_bias


def _accuracies(networks: Sequence[Tensor], x: Tensor, y: Tensor) -> npt.NDArray[np.float64]:
    """Return the share of examples that each network knows; 0 where it has diverged."""
    with torch.no_grad():
        outputs = _outputs(networks, x)
    known = (outputs.argmax(dim=2) == y).double().mean(dim=1)
    found: npt.NDArray[np.float64] = known.where(outputs.isfinite().all(2).all(1), 0.0).numpy()
    return found
