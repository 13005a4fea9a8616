"""The catalogue: a row per quantity that a run of this package reports."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ablate.errors import AblateError

Better = Literal["higher", "lower"]

SPLITS = ("train", "validation", "test")
#: What stands before a score that is the training set's less the test set's, of the same run.
GAP = "gap"
#: What stands before what layers report that learnt something before the training.
PRETRAINED = "pretrain"
#: What is evaluated while a network of this package trains.
CURVES = ("train/loss", "validation/loss", "validation/accuracy")
#: What is evaluated as well where `probe.train_accuracy` says so.
TRAIN_ACCURACY = "train/accuracy"
#: What the probe looks at, and what it tells of each, in the order of its arrays.
PROBED = ("activation", "activation_gradient", "weight_gradient")
#: What a report has beside it of runs that count their weights.
WEIGHT = "weight"
STATISTICS = ("mean", "std", "zero", "dead", "saturated", "p15", "p50", "p85", "rms")


#: What else a table of runs has columns of: no metric may have such a name.
NO_METRICS = (
    "cell", "cell_key", "key", "replicate", "status", "nc_reason", "diverged_at_step", "parameters",
    "multiply_adds", "torch", "commit", "dirty", "device", "gpu", "cpu", "cpu_capability",
    "data_digest", "seed",
)  # fmt: skip
#: What a mean of single-precision numbers may overshoot its bounds by.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Quantity:
    """One quantity; stored as a fraction, in nats or as a count, and shown in `unit`.

    name          as a metric names it: `accuracy` of `test/accuracy`
    label         as a figure's axis calls it, without its unit
    unit          `%`, `points`, `nats`, `sd` (of the training targets) or nothing
    better        what a run should have; None where that depends on the question
    chance        what guessing among K classes scores; None where it says nothing
    effect_scale  of differences, margins and a study's own metric: accuracies are shown in points,
                  other shares as the fractions that they are stored as
    least, most   what a stored value can be
    shown_from    curves of it are cut off below: what lies there says no more than that
    """

    name: str
    label: str
    unit: str = ""
    better: Better | None = None
    chance: Callable[[int], float] | None = None
    effect_scale: float = 1.0
    least: float = -math.inf
    most: float = math.inf
    shown_from: float = -math.inf

    @property
    def scale(self) -> float:
        """What a stored value is multiplied by to be shown."""
        return 100.0 if self.unit in ("%", "points") else 1.0

    @property
    def title(self) -> str:
        """Return the label with its unit, as an axis shows it: `accuracy (%)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


#: What is scored on each split, by name.
SCORES = {
    row.name: row
    for row in (
        Quantity("accuracy", "accuracy", "%", "higher", lambda k: 1 / k, 100.0, 0, 1),
        Quantity("loss", "loss", "nats", "lower", math.log),
        Quantity("nll", "cross-entropy", "nats", "lower", math.log, least=0),
        Quantity("brier", "Brier score", "", "lower", lambda k: 1 - 1 / k, least=0, most=2),
        Quantity("ece", "calibration error", "%", "lower", least=0, most=1),
        Quantity("r2", "R²", "", "higher", lambda k: 0.0, most=1, shown_from=-1),
        Quantity("rmse", "root mean square error", "sd", "lower", lambda k: 1.0, least=0),
        Quantity("mae", "mean absolute error", "sd", "lower", least=0),
        Quantity("f1", "macro F1", "%", "higher", None, 100.0, 0, 1),
        Quantity("average_precision", "average precision", "%", "higher", None, 100.0, 0, 1),
        Quantity("bits_per_byte", "cross-entropy", "bits per byte", "lower", least=0),
        Quantity("perplexity", "perplexity", "", "lower", float, least=1),
    )
}
CLASSIFICATION = "classification"

#: Tasks whose loss is a cross-entropy, in nats.
_IN_NATS = (CLASSIFICATION, "multilabel", "next_token")

#: What else runs report, and what joins them from the probe, by its whole name.
_OTHERS = {
    row.name: row
    for row in (
        Quantity("weights/norm", "norm of the weights", least=0),
        Quantity("weights/zero", "zero weights", "%", least=0, most=1),
        Quantity("weights/small", "weights below 0.001", "%", least=0, most=1),
        Quantity("units/alike", "correlation of units", least=0, most=1),
        Quantity("units/effective", "effective units", "%", least=0, most=1),
        Quantity("bias2", "squared bias", "", "lower"),
        Quantity("members/accuracy", "accuracy of a member", "%", "higher", effect_scale=100.0),
        Quantity("members/brier", "Brier score of a member", "", "lower"),
        Quantity("members/disagreement", "two members disagree", "%"),
        Quantity("members/mse", "squared error of a member", "", "lower", least=0),
        Quantity("members/ambiguity", "spread of the members", "", least=0),
        Quantity("members/bits_per_byte", "cross-entropy of a member", "bits per byte", "lower"),
        Quantity("members/f1", "macro F1 of a member", "%", "higher", effect_scale=100.0),
        Quantity("test/reconstruction/error", "squared error of the inputs", "", "lower", least=0),
        Quantity("stopping/step", "step at which training ended"),
        Quantity("stopping/best_step", "step of the best evaluation"),
        Quantity("stopping/more_steps", "steps of a second training", least=0),
        Quantity("probe/zero", "zero activations", "%"),
        Quantity("probe/dead", "dead units", "%"),
        Quantity("probe/saturated", "saturated activations", "%"),
        Quantity("probe/mean", "mean activation"),
        Quantity("probe/std", "std of activations"),
        Quantity("probe/rms", "root mean square of activations"),
    )
}


def quantity(metric: str, task: str = CLASSIFICATION) -> Quantity:
    """Return how a metric is shown: `test/accuracy`, `weights/norm`, or one of the user's own.

    `test/second/accuracy` is that of another target, `second`.

    task  of the runs: a loss is in nats where it is a cross-entropy

    A metric that is not in the catalogue has its own name as label, no unit, and no direction.
    """
    if metric in _OTHERS:
        return _OTHERS[metric]
    place, _, name = metric.rpartition("/")
    if place == PRETRAINED and name.endswith("_loss"):
        layer = name.removesuffix("_loss")
        return Quantity(metric, f"unexplained of what {layer} receives", "%", "lower", least=0)
    if place == PRETRAINED and name in SCORES:
        return replace(SCORES[name], label=f"{SCORES[name].label} on the source", chance=None)
    row = SCORES.get(name)
    if row is None or not place:
        return Quantity(metric, metric.replace("/", " ").replace("_", " "))
    if name == "loss" and task not in _IN_NATS:
        row = replace(row, unit="", chance=None)
    if place == GAP:
        return _gap(row)
    split, _, other = place.partition("/")
    if other:  # another target, whose task and classes are not known here
        unit = "" if name == "loss" else row.unit
        return replace(row, label=f"{split} {row.label} ({other})", unit=unit, chance=None)
    return replace(row, label=f"{place} {row.label}")


def _gap(score: Quantity) -> Quantity:
    """Return a score's excess on the training set; a run should be as good on the test set."""
    return replace(
        score,
        label=f"training less test {score.label}",
        unit="points" if score.unit == "%" else score.unit,
        better="lower" if score.better == "higher" else "higher",
        chance=None,
        least=-math.inf,
        most=math.inf,
    )


def refuse_impossible(values: Mapping[str, float], source: str) -> None:
    """Raise AblateError where the code `source` gives a quantity a value that it cannot have.

    What is not finite, and names that are not in the catalogue, are for others to judge.
    """
    for name, value in values.items():
        row = quantity(name)
        if math.isfinite(value) and not row.least - _ROUNDING <= value <= row.most + _ROUNDING:
            most = "" if math.isinf(row.most) else f" to {row.most:g}"
            share = ": a fraction, not percent" if row.unit == "%" else ""
            raise AblateError(
                f"{source} gives {name} = {value:g}; it must be from {row.least:g}{most}{share}."
            )


def effect_unit(metric: str, task: str = CLASSIFICATION) -> str:
    """Return the unit of differences in a metric: `points` for accuracies, `nats`, or nothing."""
    row = quantity(metric, task)
    if row.unit in ("%", "points"):
        return "points" if row.effect_scale == row.scale else ""
    return row.unit
