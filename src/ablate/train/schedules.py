"""Learning rate schedules as a pure function of the step."""

import itertools
import math
from collections.abc import Sequence

from ablate.config import schedule as kinds
from ablate.config.stopping import Patience
from ablate.metrics import quantity


def learning_rate(
    schedule: kinds.ScheduleConfig,
    base_lr: float,
    step: int,
    steps: int,
    steps_per_epoch: int,
    history: Sequence[float] = (),
) -> float:
    """Return the learning rate of `step`, counted from 0, in a training of `steps` steps.

    With t = step / steps the share of training done, e = step / steps_per_epoch the epochs and
    half(x) = (1 + cos(pi x)) / 2, base_lr is multiplied by

    constant         1
    step             gamma^m, m the milestones reached; f is reached at step round(f * steps)
    plateau          gamma^m, m how often `history`, the monitored values so far, stalled
    exponential      gamma^e
    inverse_time     1 / (1 + decay * e) (Robbins & Monro 1951)
    linear           1 - (1 - final) t
    cosine           final + (1 - final) half(t) (Loshchilov & Hutter 2017, without restarts)
    cosine_restarts  the same over each of `cycles` equal parts (Huang et al. 2017)
    one_cycle        start to 1 along half a cosine until `peak`, then to final (Smith & Topin
                     2018, with the cosines of fastai and torch)

    A warm-up of W = warmup * steps_per_epoch steps multiplies step s < W by (s + 1) / W: the
    line starts from 0 one step before training, since a step of rate 0 would be wasted.
    """
    warmup_steps = round(schedule.warmup * steps_per_epoch)
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return base_lr * warmup * _decay(schedule, step, steps, step / steps_per_epoch, history)


def parts(steps: int, count: int) -> tuple[int, ...]:
    """Return after how many steps each of `count` equal parts of a training ends."""
    return tuple(round((number + 1) * steps / count) for number in range(count))


def stalls(rule: kinds.Plateau | Patience, history: Sequence[float]) -> int:
    """Return how often `patience` evaluations in a row brought nothing better than the best.

    The count starts anew after each stall; a value that is not a number is no better.
    """
    sign = -1 if quantity(rule.monitor).better == "higher" else 1
    best, waited, count = math.inf, 0, 0
    for value in history:
        if sign * value < best:
            best, waited = sign * value, 0
        else:
            waited += 1
        if waited == rule.patience:
            waited, count = 0, count + 1
    return count


def _decay(
    schedule: kinds.ScheduleConfig, step: int, steps: int, epochs: float, history: Sequence[float]
) -> float:
    match schedule:
        case kinds.ConstantSchedule():
            return 1.0
        case kinds.Step():
            reached = sum(step >= round(fraction * steps) for fraction in schedule.milestones)
            return float(schedule.gamma**reached)
        case kinds.Plateau():
            return float(schedule.gamma ** stalls(schedule, history))
        case kinds.Exponential():
            return float(schedule.gamma**epochs)
        case kinds.InverseTime():
            return 1 / math.pow(1 + schedule.decay * epochs, schedule.power)
        case kinds.LinearSchedule():
            return 1 - (1 - schedule.final) * step / steps
        case kinds.Cosine() | kinds.CosineRestarts():
            ends = (0, *parts(steps, getattr(schedule, "cycles", 1)))
            start, end = next((a, b) for a, b in itertools.pairwise(ends) if step < b or b == steps)
            return _half_wave((step - start) / (end - start), 1.0, schedule.final)
        case kinds.OneCycle():
            done = step / steps
            if done < schedule.peak:
                return _half_wave(done / schedule.peak, schedule.start, 1.0)
            return _half_wave((done - schedule.peak) / (1 - schedule.peak), 1.0, schedule.final)


def _half_wave(share: float, first: float, last: float) -> float:
    """Return the way from `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
