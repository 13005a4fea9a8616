"""What a trial says of a cell: what is wrong with it, by how much, and what to do about it."""

import math
from collections.abc import Mapping

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.train.gradient_check import GRADIENT_TOLERANCE, GradientCheck
from ablate.train.short_run import FAIR, HARDLY, STEPS, ShortRun
from ablate.train.trial import FIT, Inputs, Trial

#: Shares of a layer's units; tanh units at usual scales have a few percent that are saturated.
_DEAD, _SATURATED = 0.5, 0.3
#: Inputs have mean 0 and deviation 1 where they are normalized; from 0 to 1 is near enough.
_FAR, _LARGE, _SMALL, _UNEVEN = 3.0, 5.0, 0.03, 100.0
#: How much lower a loss must end at another learning rate before that rate is named.
_BETTER = 0.8
#: Parameters that a sentence names.
_NAMED = 4


def problems(found: Trial, config: RunConfig) -> list[str]:
    """Return what did not hold, a sentence each: only what was measured, and what cures it."""
    return [
        *_gradients(found.gradients),
        *_inputs(found.inputs, config),
        *_start(found, config),
        *_rate(found.short_runs),
        *_fit(found),
    ]


def _gradients(found: GradientCheck) -> list[str]:
    told = []
    if found.whole is not None and found.whole > GRADIENT_TOLERANCE:
        named = f": {_named(found.wrong)}" if found.wrong else ""
        told.append(
            f"the gradient is off by {found.whole:.1e} of central differences{named}; a network "
            "may learn all the same, so compare its backward pass with the formula"
        )
    if found.wrong_layers:
        told.append(f"wrong by themselves, from output to input: {_named(found.wrong_layers)}")
    return told


def _named(errors: Mapping[str, float]) -> str:
    worst = sorted(errors, key=lambda name: -errors[name])[:_NAMED]
    rest = f" and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
    return ", ".join(f"{name} by {errors[name]:.2g}" for name in worst) + rest


def _inputs(found: Inputs | None, config: RunConfig) -> list[str]:
    if found is None:
        return []
    is_own = "scale each by its mean and deviation" if config.data.normalize else ""
    cure = is_own or "take data.normalize=true"
    if abs(found.mean) > _FAR or not _SMALL < found.deviation < _LARGE:
        return [
            f"inputs are not normalized: their mean is {found.mean:.3g} and their deviation "
            f"{found.deviation:.3g}, not about 0 and 1; {cure}"
        ]
    if found.spread > _UNEVEN:
        return [
            f"inputs are not normalized: the deviation of one is {found.spread:.3g} times that of "
            f"another; {cure}"
        ]
    return []


def _start(found: Trial, config: RunConfig) -> list[str]:
    told = []
    if not math.isfinite(found.loss):
        told.append("the loss is not finite before the first step; draw smaller weights")
    elif found.loss > FAIR:
        told.append(
            f"the first loss is {found.loss:.3g} times that of guessing; draw smaller weights"
        )
    if found.saturated > _SATURATED:
        told.append(
            f"{found.saturated:.0%} of the units of {found.worst['saturated']} are saturated "
            f"before the first update, where their gradient is next to nothing; {_cures(config)}"
        )
    if found.dead > _DEAD:
        told.append(
            f"{found.dead:.0%} of a layer's units are dead before the first step: those of "
            f"{found.worst['dead']} give 0 for every example and learn nothing; draw other weights "
            "(init=he has mean 0), or take an activation that is flat nowhere (leaky_relu)"
        )
    return told


def _cures(config: RunConfig) -> str:
    if isinstance(config.model, Target):
        return "draw smaller weights, normalize the inputs, or put a batch norm in front of them"
    cures = ["draw smaller weights (init=xavier, or a smaller init.scale)"]
    cures += [] if config.data.normalize else ["normalize the inputs (data.normalize=true)"]
    cures += ["take model.norm=batch"] if getattr(config.model, "norm", "") == "none" else []
    return ", or ".join(cures)


def _rate(runs: tuple[ShortRun, ...]) -> list[str]:
    """Say what the learning rate does where another one was seen to do better."""
    if len(runs) < 2:
        return []
    first, other = runs[0], runs[-1]
    better = f"at {other.lr:g} it ends at {other.end:.2f}"
    if first.diverged_at is not None:
        lower = other.end < other.start
        cure = f"; {better}: lower the learning rate" if lower else "; so it does at a tenth of it"
        return [f"training diverges at step {first.diverged_at} at the rate {first.lr:g}{cure}"]
    if first.bounces and other.end < _BETTER * first.end:
        return [
            f"the training loss bounces: behind {first.rose:.0%} of {STEPS} steps the very batch "
            f"of the step has a higher loss than before it, and the loss ends at {first.end:.2f} "
            f"times that of guessing; {better}: lower the learning rate from {first.lr:g}"
        ]
    if first.fell < HARDLY and other.fell > max(HARDLY, 2 * first.fell):
        return [
            f"the learning rate of {first.lr:g} is too small: in {STEPS} steps the loss goes from "
            f"{first.start:.2f} to {first.end:.2f} times that of guessing; {better}: raise it"
        ]
    return []


def _fit(found: Trial) -> list[str]:
    if not found.fits < FIT:
        return []
    return [f"it learns {found.fits:.0%} of 50 examples by heart, and a sound network all of them"]
