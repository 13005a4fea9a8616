"""The fully connected networks in JAX: one replicate as plain functions, a stack by `vmap`.

What a person who knows JAX writes: arrays in dictionaries, `grad` of a loss, Adam by its five
lines, `lax.scan` over the batches under one `jit`, batches gathered inside the scan.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .networks import CLASSES, Net

Tree = Any
_MOMENTUM, _EPSILON = 0.1, 1e-5  # of batch normalization, as torch has them


def initial(net: Net, key: jax.Array) -> tuple[Tree, Tree]:
    """Return parameters as torch draws them by default, and running statistics of the norms."""
    widths = (math.prod(net.inputs), *net.hidden, CLASSES)
    keys = jax.random.split(key, (len(widths) - 1, 2))
    layers, statistics = [], []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        bound = 1 / math.sqrt(inputs)
        draw = partial(jax.random.uniform, minval=-bound, maxval=bound)
        layer = {
            "weight": draw(keys[number, 0], (inputs, outputs)),
            "bias": draw(keys[number, 1], (outputs,)),
        }
        if net.norm and number < len(widths) - 2:
            layer |= {"scale": jnp.ones(outputs), "shift": jnp.zeros(outputs)}
            statistics.append((jnp.zeros(outputs), jnp.ones(outputs)))
        layers.append(layer)
    return layers, statistics


def logits_of(
    layers: Tree, statistics: Tree, x: jax.Array, training: bool, dtype: Any
) -> tuple[jax.Array, Tree]:
    """Return logits (B, classes) and the running statistics after this batch.

    dtype   of the products; all else is float32, as under torch's autocast
    """
    seen = []
    for number, layer in enumerate(layers):
        x = jnp.matmul(x.astype(dtype), layer["weight"].astype(dtype)).astype(jnp.float32)
        x = x + layer["bias"]
        if "scale" in layer:
            mean, variance = statistics[number]
            if training:
                rows = x.shape[0]
                own, spread = x.mean(0), x.var(0)
                kept = (1 - _MOMENTUM) * mean + _MOMENTUM * own
                unbiased = spread * rows / (rows - 1)
                seen.append((kept, (1 - _MOMENTUM) * variance + _MOMENTUM * unbiased))
                mean, variance = own, spread
            x = (x - mean) * lax.rsqrt(variance + _EPSILON) * layer["scale"] + layer["shift"]
        if number < len(layers) - 1:
            x = jnp.maximum(x, 0)
    return x, seen


def loss_of(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the cross-entropy of each example (B,)."""
    chosen = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return jax.nn.logsumexp(logits, axis=1) - chosen


def adam(layers: Tree, gradients: Tree, state: Tree, lr: jax.Array) -> tuple[Tree, Tree]:
    """Take one step of Adam (Kingma and Ba 2015) with its usual constants."""
    first, second, number = state
    number = number + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
    step = lr / (1 - 0.9**number)
    root = jnp.sqrt(1 - 0.999**number)
    layers = jax.tree.map(
        lambda w, m, v: w - step * m / (jnp.sqrt(v) / root + 1e-8), layers, first, second
    )
    return layers, (first, second, number)


def begin(net: Net, seed: jax.Array) -> Tree:
    """Return parameters, statistics and Adam's moments of one replicate."""
    layers, statistics = initial(net, jax.random.key(seed))
    zeros = jax.tree.map(jnp.zeros_like, layers)
    return layers, statistics, (zeros, zeros, jnp.zeros((), jnp.float32))


def epoch_of(
    replica: Tree, lr: jax.Array, order: jax.Array, x: jax.Array, y: jax.Array, dtype: Any
) -> tuple[Tree, jax.Array]:
    """Train one replicate over `order` (steps, B), indices of x (N, inputs); return its losses."""

    def objective(layers: Tree, statistics: Tree, rows: jax.Array) -> tuple[jax.Array, Tree]:
        logits, seen = logits_of(layers, statistics, x[rows], training=True, dtype=dtype)
        return loss_of(logits, y[rows]).mean(), seen

    def step(replica: Tree, rows: jax.Array) -> tuple[Tree, jax.Array]:
        layers, statistics, state = replica
        graded = jax.value_and_grad(objective, has_aux=True)
        (loss, statistics), gradients = graded(layers, statistics, rows)
        layers, state = adam(layers, gradients, state, lr)
        return (layers, statistics, state), loss

    return lax.scan(step, replica, order)


def stacked_epoch(dtype: Any = jnp.float32) -> Callable[..., tuple[Tree, jax.Array]]:
    """Return `epoch_of` for a stack: all but the data has a leading dimension of replicates."""
    one = partial(epoch_of, dtype=dtype)
    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None, None)), donate_argnums=0)


def scores(size: int) -> Callable[[Tree, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    """Return what gives a stack's mean loss and accuracy (R,), `size` examples at a time."""

    def one(replica: Tree, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        def part(pair: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            some, labels = pair
            logits, _ = logits_of(replica[0], replica[1], some, training=False, dtype=jnp.float32)
            return loss_of(logits, labels).sum(), (logits.argmax(1) == labels).sum()

        loss, right = lax.map(part, (x.reshape(-1, size, x.shape[1]), y.reshape(-1, size)))
        return loss.sum() / len(y), right.sum() / len(y)

    return jax.jit(jax.vmap(one, in_axes=(0, None, None)))
