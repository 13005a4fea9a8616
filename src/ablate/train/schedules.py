"""Learning rate schedules as a pure function of the step."""

from __future__ import annotations

import math

from ablate.config.schedule import ConstantSchedule, Cosine, ScheduleConfig, Step


def learning_rate(
    schedule: ScheduleConfig, base_lr: float, step: int, steps: int, steps_per_epoch: int
) -> float:
    """Return the learning rate of `step`, counted from 0, in a training of `steps` steps.

    constant  base_lr
    step      base_lr * gamma^m, m the milestones reached; a milestone f is reached at
              step round(f * steps)
    cosine    base_lr * (final + (1 - final) (1 + cos(pi step / steps)) / 2), Loshchilov &
              Hutter 2017 without restarts

    A warm-up of W = warmup * steps_per_epoch steps multiplies step s < W by (s + 1) / W: the
    line starts from 0 one step before training, since a step of rate 0 would be wasted.
    """
    warmup_steps = round(schedule.warmup * steps_per_epoch)
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return base_lr * warmup * _decay(schedule, step, steps)


def _decay(schedule: ScheduleConfig, step: int, steps: int) -> float:
    match schedule:
        case ConstantSchedule():
            return 1.0
        case Step():
            reached = sum(step >= round(fraction * steps) for fraction in schedule.milestones)
            return float(schedule.gamma**reached)
        case Cosine():
            half_wave = (1 + math.cos(math.pi * step / steps)) / 2
            return schedule.final + (1 - schedule.final) * half_wave
