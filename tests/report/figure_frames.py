"""Frames as a real study leaves them, made by numpy in a second: nothing is trained here.

The signal statistics come from the classical experiment (10 layers of 100 units, normal
inputs, a random gradient fed in at the top); training curves and accuracies are made up with
their usual shapes. Some runs are n/c, one with NaN statistics, and `zeros` never learns.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from ablate.study.items import ITEMS
from ablate.study.schema import Factor, Level, Metric, Study, Tune

DEPTH, WIDTH, EXAMPLES = 10, 100, 200
STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1170)
QUANTITIES = ("activation", "activation_gradient", "weight_gradient")
SCALES = {
    "normal_0.01": 0.01,
    "xavier": math.sqrt(1 / WIDTH),
    "he": math.sqrt(2 / WIDTH),
    "zeros": 0.0,
    "normal_1": 1.0,
    "uniform": math.sqrt(1 / (3 * WIDTH)),
    "lecun": math.sqrt(1 / WIDTH),
    "caffe_xavier": math.sqrt(1 / WIDTH),
    "orthogonal": math.sqrt(1 / WIDTH),
    "orthogonal_he": math.sqrt(2 / WIDTH),
    "lsuv": math.sqrt(2 / WIDTH),
    "random_walk": 1.03 * math.sqrt(2 / WIDTH),
}


@dataclass(frozen=True, eq=False)
class FakeFrames:
    runs: pd.DataFrame
    epochs: pd.DataFrame
    layers: pd.DataFrame
    curves: pd.DataFrame
    tuning: pd.DataFrame | None = None


def factor(name: str, levels: list, axis: str = "category", label: str | None = None) -> Factor:
    return Factor(
        name=name,
        label=label or name.rpartition(".")[2],
        axis=axis,
        levels=[Level(name=f"{v}", overrides={name: v}) for v in levels],
    )


def study(*factors: Factor, tune: Tune | None = None, metric: str = "test/accuracy") -> Study:
    return Study(
        name="fabricated",
        question="Does it draw?",
        baseline={"data": "mnist", "model": "mlp", "model.depth": DEPTH, "model.width": WIDTH},
        factors=factors,
        replicates=6,
        metric=Metric(name=metric, better="higher" if metric.endswith("accuracy") else "lower"),
        tune=tune,
        report=[ITEMS["heatmap"]()],
    )


@cache
def init_by_activation(inits: int = 4, replicates: int = 6) -> tuple[Study, FakeFrames]:
    """Return the signal experiment: some initializations by two activations."""
    names = list(SCALES)[:inits]
    made = study(
        factor("init", names, label="initialization"),
        factor("model.activation", ["relu", "tanh"]),
    )
    runs, epochs, layers, curves = [], [], [], []
    for name, activation in itertools.product(names, ("relu", "tanh")):
        cell = f"init={name}_activation={activation}-0a1b2c3d"
        levels = {"factor:init": name, "factor:model.activation": activation}
        for replicate in range(replicates):
            rng = np.random.default_rng([replicate, names.index(name)])
            broken = name == "he" and activation == "relu" and replicate == 3
            stuck = name in ("zeros", "normal_0.01") and not (
                name == "normal_0.01" and activation == "tanh" and replicate < 4
            )
            quality = {"xavier": 0.962, "he": 0.972}.get(name, 0.95)
            quality += 0.003 * rng.standard_normal() - 0.008 * (activation == "tanh")
            keys = {"cell": cell, "replicate": replicate}
            runs.append(keys | levels | outcome(stuck, broken, quality))
            layers += probe(keys, SCALES[name], activation, rng, broken)
            losses, evaluations = training(keys, stuck, broken, quality, rng)
            curves += losses
            epochs += evaluations
    return made, FakeFrames(*map(pd.DataFrame, (runs, epochs, layers, curves)))


@cache
def scale_by_norm() -> tuple[Study, FakeFrames]:
    """Return a tuned study over a numeric factor: accuracy near the ceiling, some cells n/c."""
    scales = [0.1, 0.3, 1, 3, 10]
    made = study(
        factor("init.scale", scales, axis="log", label="initialization scale (× He)"),
        factor("model.norm", ["none", "batch"], label="batch norm"),
        tune=Tune(key="optimizer.lr", values=[0.003, 0.01, 0.03, 0.1, 0.3]),
    )
    runs, epochs, curves, tuning = [], [], [], []
    for scale, norm in itertools.product(scales, ("none", "batch")):
        cell = f"scale={scale}_norm={norm}-0a1b2c3d"
        levels = {"factor:init.scale": f"{scale}", "factor:model.norm": norm}
        distance = abs(math.log10(scale))
        best = 0.1 if norm == "batch" else 0.03 / (1 + scale / 3)
        chosen = min(made.tune.values, key=lambda v: abs(math.log(v / best)))
        for replicate in range(8):
            rng = np.random.default_rng([replicate, int(10 * scale)])
            keys = {"cell": cell, "replicate": replicate}
            loss_of_quality = (0.05 if norm == "none" else 0.004) * distance**2
            quality = 0.979 - loss_of_quality + 0.0015 * rng.standard_normal()
            broken = norm == "none" and (scale == 10 or (scale == 3 and replicate in (1, 5)))
            stuck = norm == "none" and scale == 0.1 and replicate == 2
            outcome_ = outcome(stuck, broken, quality)
            runs.append(keys | levels | outcome_ | {"tuned:optimizer.lr": chosen})
            losses, evaluations = training(keys, stuck, broken, quality, rng)
            curves += losses
            epochs += evaluations
        for value, replicate in itertools.product(made.tune.values, range(3)):
            rng = np.random.default_rng([replicate, int(1e4 * value), int(10 * scale)])
            away = math.log10(value / best)
            diverged = away > 0.9 or (norm == "none" and scale == 10)
            loss = 0.09 + 0.1 * away**2 + 0.01 * rng.random()
            tuning.append(
                {"cell": cell, "value": value, "replicate": 1_000_000 + replicate,
                 "status": "diverged" if diverged else "done",
                 "validation/loss": np.nan if diverged else loss,
                 "validation/accuracy": np.nan if diverged else 1 - loss / 4}
            )  # fmt: skip
    frames = [pd.DataFrame(rows) for rows in (runs, epochs, [], curves)]
    return made, FakeFrames(*frames, tuning=pd.DataFrame(tuning))


def outcome(stuck: bool, broken: bool, quality: float) -> dict:
    accuracy = math.nan if broken else 0.1135 if stuck else quality
    return {
        "status": "diverged" if stuck or broken else "done",
        "nc_reason": "nonfinite" if broken else "no_progress" if stuck else None,
        "diverged_at_step": 37 if broken else math.nan,
        "test/accuracy": accuracy,
        "test/loss": math.nan if broken else 2.3026 if stuck else 3.2 * (1 - quality),
    }


def training(keys: dict, stuck: bool, broken: bool, quality: float, rng) -> tuple[list, list]:
    """One run's training curve in log-spaced blocks, and its evaluations."""
    last = 37 if broken else STEPS[-1]
    blocks = np.unique(np.geomspace(1, last, 60).astype(int))
    noise = np.exp(0.08 * rng.standard_normal(len(blocks)))
    if broken:
        losses = 2.3 * np.exp((blocks / 7.0) ** 1.5) * noise
    elif stuck:
        losses = 2.3026 + 0.002 * rng.standard_normal(len(blocks))
    else:
        losses = (2.3 / (1 + (blocks / 30) ** 1.1) + 1.5 * (1 - quality)) * noise
    curve = [keys | {"step": int(s), "loss": float(v)} for s, v in zip(blocks, losses, strict=True)]
    evaluations = []
    for epoch, step in enumerate((0, *np.unique(np.geomspace(20, 1170, 12).astype(int)))):
        if broken and step > 37:
            break
        learnt = 0.0 if stuck or broken else 1 - 1 / (1 + (step / 25) ** 1.2)
        accuracy = 0.1 + (quality - 0.1) * learnt + 0.002 * rng.standard_normal()
        evaluations.append(
            keys | {"step": int(step), "epoch": float(epoch), "lr": 0.05,
                    "train/loss": 2.3 * (1 - learnt) + 0.05,
                    "validation/loss": 2.3 * (1 - learnt) + 0.08,
                    "validation/accuracy": accuracy}
        )  # fmt: skip
    return curve, evaluations


def probe(keys: dict, scale: float, activation: str, rng, broken: bool) -> list[dict]:
    """Statistics of every layer at every probed step, with histograms at the ends.

    Only the first step is simulated; afterwards everything grows slowly, as in training.
    """
    weights = scale * rng.standard_normal((DEPTH, WIDTH, WIDTH))
    h, hidden, slopes = rng.standard_normal((EXAMPLES, WIDTH)), [], []
    for w in weights:
        z = h @ w
        h = np.maximum(z, 0) if activation == "relu" else np.tanh(z)
        slopes.append((z > 0).astype(float) if activation == "relu" else 1 - h**2)
        hidden.append((z, h))
    gradient, gradients = rng.standard_normal((EXAMPLES, WIDTH)) / EXAMPLES, []
    for w, slope in zip(weights[::-1], slopes[::-1], strict=True):
        gradients.append(gradient)
        gradient = (gradient * slope) @ w.T
    first = []
    for layer, ((z, h), back) in enumerate(zip(hidden, gradients[::-1], strict=True)):
        at = keys | {"layer": layer + 1, "layer_name": f"layer{layer + 1}"}
        first.append(at | statistics("activation", h, z, activation))
        first.append(at | statistics("activation_gradient", back, back, ""))
        first.append(at | statistics("weight_gradient", 0.1 * back, back, ""))
    rows = []
    for step in STEPS:
        if broken and step > 37:
            break
        drift = 1 + 0.15 * math.log1p(step / 20)
        for row in first:
            grown = {
                name: drift * row[name] for name in ("mean", "std", "p15", "p50", "p85", "rms")
            }
            if broken and step > 10:
                grown = dict.fromkeys((*grown, "zero", "dead", "saturated"), math.nan)
            counts = row["histogram"] if step in (0, STEPS[-1]) else None
            rows.append(row | grown | {"step": step, "histogram": counts})
    return rows


def statistics(quantity: str, x, percentiles_of, activation: str) -> dict:
    bound = min(np.abs(x).max(), 10 * math.sqrt((x**2).mean()))
    k = math.frexp(bound)[1] if bound > 0 else 0
    p15, p50, p85 = np.percentile(percentiles_of, (15, 50, 85))
    bins = np.clip(np.floor(x[x != 0] * 2.0 ** (6 - k)), -65, 64) + 65
    return {
        "quantity": quantity, "mean": x.mean(), "std": x.std(), "zero": (x == 0).mean(),
        "dead": (x == 0).all(axis=0).mean(),
        "saturated": (np.abs(x) > 0.95).mean() if activation == "tanh" else np.nan,
        "p15": p15, "p50": p50, "p85": p85, "rms": math.sqrt((x**2).mean()), "exponent": k,
        "histogram": np.bincount(bins.astype(int), minlength=130),
    }  # fmt: skip
