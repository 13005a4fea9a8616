import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.schedule import (
    ConstantSchedule,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    LinearSchedule,
    OneCycle,
    Plateau,
    Step,
)
from ablate.train.schedules import learning_rate, parts, stalls

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


def test_exponential_agrees_with_torch_at_epochs():
    schedule = Exponential(name="exponential", gamma=0.9)
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9), 6)
    assert rates(schedule, 60)[::10] == pytest.approx(expected, rel=1e-12)
    assert rates(schedule, 60)[5] == pytest.approx(0.4 * 0.9**0.5, rel=1e-12)


def test_the_root_of_inverse_time_by_hand():
    root = rates(InverseTime(name="inverse_time", decay=3.0, power=0.5), 40)
    assert root[::10] == pytest.approx([0.4 / math.sqrt(1 + 3 * epoch) for epoch in range(4)])


def test_inverse_time_and_linear_by_hand():
    assert rates(InverseTime(name="inverse_time", decay=2.0), 40)[::10] == pytest.approx(
        [0.4, 0.4 / 3, 0.4 / 5, 0.4 / 7], rel=1e-12
    )
    line = rates(LinearSchedule(name="linear", final=0.2), 5)
    assert line == pytest.approx([0.4 * f for f in (1, 0.84, 0.68, 0.52, 0.36)], rel=1e-12)


def test_restarts_are_cosines_one_after_the_other():
    schedule = CosineRestarts(name="cosine_restarts", cycles=4, final=0.1)
    one = rates(Cosine(name="cosine", final=0.1), 10)
    assert rates(schedule, 40) == pytest.approx(one * 4, rel=1e-12)
    # Huang et al. 2017, equation 2, with t counted from 1.
    huang = [0.2 * (math.cos(math.pi * ((t - 1) % 10) / 10) + 1) for t in range(1, 41)]
    plain = rates(CosineRestarts(name="cosine_restarts", cycles=4), 40)
    assert plain == pytest.approx(huang, rel=1e-12, abs=1e-15)


@given(steps=st.integers(1, 300), count=st.integers(1, 20))
def test_parts_cover_training_in_nearly_equal_lengths(steps, count):
    ends = parts(steps, count)
    lengths = [b - a for a, b in zip((0, *ends), ends, strict=False)]
    assert ends[-1] == steps
    assert max(lengths) - min(lengths) <= 1
    schedule = CosineRestarts(name="cosine_restarts", cycles=count)
    starts = {0, *ends[:-1]}
    for step, rate in enumerate(rates(schedule, steps)):
        assert (rate == pytest.approx(0.4, rel=1e-12)) is (step in starts)


def test_one_cycle_agrees_with_torch():
    schedule = OneCycle(name="one_cycle", peak=0.3, start=0.04, final=4e-6)
    # torch counts the last of its steps as the end of both waves: 101 points are 100 steps.
    expected = torch_rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.4, total_steps=101, pct_start=31 / 101, cycle_momentum=False
        ),
        100,
    )
    assert rates(schedule, 100) == pytest.approx(expected, rel=1e-9)
    assert max(rates(schedule, 100)) == 0.4
    assert rates(schedule, 100).index(0.4) == 30


PLATEAU = Plateau(name="plateau", patience=2, gamma=0.5)


@pytest.mark.parametrize(
    ("history", "stalled"),
    [
        ([], 0),
        ([1.0], 0),
        ([1.0, 1.0], 0),
        ([1.0, 1.0, 1.0], 1),
        ([1.0, 1.1, 0.9, 0.95, 0.8], 0),
        ([1.0, 1.1, 1.2, 1.3], 1),
        ([1.0, 1.1, 1.2, 1.3, 1.4], 2),
        ([1.0, math.nan, math.nan], 1),
    ],
)
def test_plateau(history, stalled):
    assert stalls(PLATEAU, history) == stalled
    assert learning_rate(PLATEAU, 0.4, 7, 40, 10, history) == 0.4 * 0.5**stalled
    rising = Plateau(name="plateau", patience=2, gamma=0.5, monitor="validation/accuracy")
    assert stalls(rising, [-value for value in history]) == stalled


ALL = [
    Plateau(name="plateau"), Exponential(name="exponential"), InverseTime(name="inverse_time"),
    LinearSchedule(name="linear"), CosineRestarts(name="cosine_restarts"), OneCycle(name="one_cycle"),
]  # fmt: skip


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
def test_warmup_multiplies_the_new_ones_too(schedule):
    warm = schedule.model_copy(update={"warmup": 0.5})
    line = [(s + 1) / 5 for s in range(5)] + [1.0] * 35
    pairs = zip(rates(schedule, 40), line, strict=True)
    assert rates(warm, 40) == pytest.approx([a * b for a, b in pairs], rel=1e-12)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
@pytest.mark.parametrize("steps", [1, 2, 3, 40])
def test_every_rate_lies_between_zero_and_the_base(schedule, steps):
    assert all(0 <= rate <= 0.4 * (1 + 1e-12) for rate in rates(schedule, steps))
