import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.schedule import ConstantSchedule, Cosine, Step
from ablate.train.schedules import learning_rate

CONSTANT = ConstantSchedule(name="constant")
COSINE = Cosine(name="cosine")


def rates(schedule, steps, base_lr=0.4, steps_per_epoch=10):
    return [learning_rate(schedule, base_lr, s, steps, steps_per_epoch) for s in range(steps)]


def torch_rates(make, steps, base_lr=0.4):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base_lr)
    scheduler = make(optimizer)
    result = []
    for _ in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return result


def test_constant_is_the_base_rate():
    assert rates(CONSTANT, 7) == [0.4] * 7


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_agrees_with_torch(final):
    schedule = Cosine(name="cosine", final=final)
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50, eta_min=0.4 * final), 50
    )
    # torch computes the cosine by a recursion over steps and gathers rounding errors.
    assert rates(schedule, 50) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_step_agrees_with_torch():
    schedule = Step(name="step", milestones=(0.5, 0.75), gamma=0.1)
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[20, 30], gamma=0.1), 40
    )
    assert rates(schedule, 40) == pytest.approx(expected, rel=1e-12)


def test_step_at_both_ends_of_training():
    schedule = Step(name="step", milestones=(0.0, 1.0), gamma=0.5)
    assert rates(schedule, 4, base_lr=1.0) == [0.5] * 4


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_warmup_multiplies_any_schedule_by_a_line(schedule):
    kinds = {"constant": ConstantSchedule, "step": Step, "cosine": Cosine}
    plain = rates(kinds[schedule](name=schedule), 40)
    warm = rates(kinds[schedule](name=schedule, warmup=0.5), 40)
    line = [(s + 1) / 5 for s in range(5)] + [1.0] * 35
    assert warm == pytest.approx([a * b for a, b in zip(plain, line, strict=True)], rel=1e-12)


def test_cosine_in_closed_form_halfway():
    schedule = Cosine(name="cosine", final=0.2)
    assert learning_rate(schedule, 1.0, 50, 100, 10) == pytest.approx(0.6, rel=1e-12)


@given(
    step=st.integers(0, 999),
    warmup=st.floats(0, 3),
    final=st.floats(0, 1),
)
def test_no_rate_is_negative_or_above_the_base(step, warmup, final):
    schedule = Cosine(name="cosine", warmup=warmup, final=final)
    rate = learning_rate(schedule, 0.1, step, 1000, 100)
    assert 0 <= rate <= 0.1 * (1 + 1e-12)
    assert math.isfinite(rate)
