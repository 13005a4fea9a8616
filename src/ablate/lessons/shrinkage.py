"""What penalties and early stopping leave of a minimum, direction by direction of a quadratic loss.

J(w) = 1/2 (w - w*)' H (w - w*) with H = Q diag(lambda) Q'. Closed forms are those of Goodfellow et
al. 2016, sections 7.1 and 7.8, in the coordinates of Q, as shares of w*, whose coordinates there
are 1 or -1:

L2                         lambda / (lambda + alpha)
L1, where H is diagonal    max(1 - alpha / lambda, 0)
stopped after tau steps    1 - (1 - epsilon lambda)^tau, with tau = 1 / (epsilon alpha)
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from ablate.config import RunConfig
from ablate.config.optimizer import Sgd
from ablate.config.penalty import L1, NoPenalty, PenaltyConfig
from ablate.errors import ConfigError, one_of
from ablate.records import Outcome
from ablate.streams import Streams
from ablate.train.optimizers import build_optimizer, update

Method = Literal["l2", "l1", "stopped"]
_METHODS: tuple[Method, ...] = get_args(Method)
Floats = npt.NDArray[np.float64]

#: Steps in units of 1 / (epsilon alpha) until penalties have settled: e^-14 is 1e-6.
_SETTLED = 14
#: A share as close as this to its closed form is equal to it.
_CLOSE = 1e-5


def shrink(
    config: RunConfig,
    _data: Any,
    streams: Streams,
    method: str,
    strength: float,
    curvature: float,
    curvatures: Sequence[float],
    spread: float = 0.0,
) -> Outcome:
    """Descend a quadratic loss by plain gradient descent, as the training procedure of a study.

    method      `l2` and `l1` with a penalty of `strength` alpha until it has settled, `stopped`
                after 1 / (epsilon alpha) steps without one; epsilon is `optimizer.lr`
    curvature   the direction whose share is `kept`, one of `curvatures`
    spread      standard deviation of the starts about zero; replicate 0 starts there itself

    Axes and the signs of w* are drawn for each replicate, for L1 the signs alone. Metrics: `kept`
    of w* in the direction; `formula`, its closed form; `apart`, the largest distance over all
    directions between what is kept and lambda / (lambda + alpha); `zero`, whether the weight is
    exactly 0; `steps`. The run is n/c where a direction is further than 1e-5 from its closed form.
    Raises ConfigError for another method, for a curvature that is not among those there are, and
    where the steps are too long for the largest.
    """
    if method not in _METHODS:
        raise ConfigError(f"trainer.method={method} is not known; allowed are {one_of(_METHODS)}.")
    if curvature not in curvatures:
        raise ConfigError(
            f"trainer.curvature={curvature} is not among trainer.curvatures={list(curvatures)}."
        )
    if not strength > 0:
        raise ConfigError(f"trainer.strength={strength} must be greater than 0.")
    lam, lr = np.asarray(curvatures, dtype=np.float64), config.lr
    if lr * (lam.max() + strength) >= 1:
        raise ConfigError(
            f"optimizer.lr={lr} is too large for a curvature of {lam.max():g} and a strength of "
            f"{strength:g}; it must be below {1 / (lam.max() + strength):.3g}."
        )
    draws = streams.numpy("init", "quadratic")
    signs = draws.choice([-1.0, 1.0], len(lam))
    axes = np.linalg.qr(draws.standard_normal((len(lam), len(lam))))[0]
    axes = np.eye(len(lam)) if method == "l1" else axes
    start = spread * draws.standard_normal(len(lam)) * (streams.replicate > 0)
    steps = math.ceil((1 if method == "stopped" else _SETTLED) / (lr * strength))
    end = descend(method, strength, lam, axes, axes @ signs, axes @ start, lr, steps)
    kept, formula = axes.T @ end * signs, closed_form(method, strength, lam, start * signs, lr)
    place = list(curvatures).index(curvature)
    metrics = {
        "kept": kept[place],
        "formula": formula[place],
        "apart": np.abs(kept - lam / (lam + strength)).max(),
        "zero": float(end[place] == 0),
        "steps": steps,
    }
    return Outcome(
        {name: float(value) for name, value in metrics.items()},
        converged=bool(np.abs(kept - formula).max() < _CLOSE),
    )


def closed_form(method: str, strength: float, lam: Floats, start: Floats, lr: float) -> Floats:
    """Return the share of w* that is kept by curvature `lam` (d,), from `start` (d,) as a share.

    Only early stopping remembers where it started.
    """
    if method == "l2":
        return np.asarray(lam / (lam + strength))
    if method == "l1":
        return np.asarray(np.maximum(1 - strength / lam, 0))
    left = (1 - lr * lam) ** math.ceil(1 / (lr * strength))
    return np.asarray(1 - left * (1 - start))


def descend(
    method: str,
    strength: float,
    lam: Floats,
    axes: Floats,
    minimum: Floats,
    start: Floats,
    lr: float,
    steps: int,
) -> Floats:
    """Return where gradient descent with the package's own penalties ends, float64 (d,).

    axes  (d, d), a column per direction
    """
    hessian, target = torch.from_numpy(axes * lam @ axes.T), torch.from_numpy(minimum)
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()).view(1, -1, 1))
    decay = strength if method == "l2" else 0.0
    penalty: PenaltyConfig = NoPenalty()
    if method == "l1":
        penalty = L1(name="l1", strength=strength, proximal=True)
    optimizer = build_optimizer(Sgd(name="sgd", lr=lr, weight_decay=decay), [("w", weight)])
    for _ in range(steps):
        weight.grad = (hessian @ (weight.detach().view(-1) - target)).view(1, -1, 1)
        update(optimizer, lr, penalty, None)
    return weight.detach().view(-1).numpy()
