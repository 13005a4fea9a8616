"""Warnings on how far networks were trained: unequally, or not to the end."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ablate import stats
from ablate.config import RunConfig
from ablate.metrics import effect_unit, quantity
from ablate.report.columns import level_column
from ablate.report.comparisons import Arms, Comparison
from ablate.report.frame import Frames
from ablate.report.number_text import number, with_interval
from ablate.report.warning import DataWarning, Finding, least_effect, merged
from ablate.report.wording import arm_text, other_arm_text
from ablate.study.schema import ABSENT, Study

#: The end of training that is looked at.
_LAST = 0.2


def trained_differently(compared: Sequence[Comparison]) -> list[DataWarning]:
    """Return where the arm that tests worse also fits its training set worse.

    Both differences are paired by replicate: that on the test set has a 95 % t interval away from
    0, that in training accuracy (or in the score itself, of runs that report none) one that lies
    beyond the study's smallest effect, to the disadvantage of the same arm. Where it is accuracy
    that says how far a network was trained, smoothed or penalized losses raise no false alarm.
    """
    findings = [finding for one in compared if (finding := _unequal(one))]
    begin = (
        "Runs that are behind on the test set are behind on their training set as well, so their "
        "test results may come from training less far, not from generalizing worse"
    )
    return merged("trained differently", findings, begin)


def _unequal(one: Comparison) -> Finding | None:
    split, _, score = one.metric.partition("/")
    low, high = one.evidence.limits(stats.ALPHA)
    tested = quantity(one.metric).better
    if split != "test" or one.evidence.test != "paired t" or low is None or high is None:
        return None
    if "/" in score:  # of what a head predicts: training tells nothing of it
        return None
    if tested is None or not (low > 0 or high < 0):
        return None
    found = [(f"train/{name}", one.arms_in(f"train/{name}")) for name in ("accuracy", score)]
    name, arms = next(((name, arms) for name, arms in found if arms is not None), ("", None))
    row, unit = quantity(name), effect_unit(name)
    if arms is None or row.better is None:
        return None
    train = stats.paired_effect(stats.pair_up(*arms, row.better), "greater", 0.0)
    begin, end = train.limits(stats.ALPHA)
    if train.effect is None or begin is None or end is None or train.test != "paired t":
        return None
    # The arm that is ahead on either set; beyond what counts as a difference on the training set.
    ahead_in_test = "a" if (low > 0) == (tested == "higher") else "b"
    ahead_in_training = "a" if (train.effect > 0) == (row.better == "higher") else "b"
    if ahead_in_test != ahead_in_training or min(abs(begin), abs(end)) <= least_effect(
        one.study, unit
    ) or begin * end < 0:  # fmt: skip
        return None
    behind = one.b if ahead_in_test == "a" else one.a
    return _of_unequal(one, behind, name, arms, with_interval(train.effect, begin, end, unit=unit))


def _of_unequal(one: Comparison, behind: str, name: str, arms: Arms, difference: str) -> Finding:
    unit = effect_unit(name)
    digits, sign = (1, " %") if unit == "points" else (3, f" {unit}")
    first, second = (
        f"{number(float(np.nanmean(arm.values)), digits)}{sign}".rstrip() for arm in arms
    )
    label = quantity(name).label.replace("train", "training")
    said = f"{label} {first} {arm_text(one.factor, one.a)}, {second} {other_arm_text(one.b)}"
    return Finding(
        one.claim,
        f"Runs {arm_text(one.factor, behind)} also fit their training set worse ({said}; "
        f"{difference}), so their test results may come from training less far, not from "
        "generalizing worse.",
        said,
    )


def still_improving(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> Iterator[DataWarning]:
    """Yield one warning where validation still got better when training ended.

    Of each run the slope over the last fifth of its steps (its last two evaluations, where there
    are fewer) times a fifth of its steps: what as much training again as that fifth would bring at
    that pace. A setting counts where the mean over replicates is beyond the study's smallest
    effect and its t interval above 0, at 5 % shared by all settings (Bonferroni). Runs that stop
    by themselves are left out.
    """
    name = study.metric.watched if study.metric.is_percent else "validation/loss"
    gains = _gains(frames, name, configs)
    if not gains:
        return
    unit = effect_unit(name, study.task)
    least, alpha = least_effect(study, unit), stats.ALPHA / len(gains)
    found = {
        cell: values
        for cell, values in gains.items()
        if values.mean() > least and stats.t_interval(values, alpha)[0] > 0
    }
    if not found:
        return
    most = max(found, key=lambda cell: found[cell].mean())
    gain = with_interval(
        float(found[most].mean()), *stats.t_interval(found[most]), unit=unit, sign=""
    )
    verb = "rising" if study.metric.is_percent else "falling"
    count = f"In {len(found)} of {len(gains)} settings" if len(gains) > 1 else "Here"
    where = f", most with {_setting(most, study, frames.runs)}" if len(gains) > 1 else ""
    yield DataWarning(
        "still improving",
        (),
        f"{count} {quantity(name).label} was still {verb} when training ended{where}: another "
        f"fifth of the steps at the pace of the last would bring {gain}, so longer training may "
        "change the order.",
    )


def _gains(frames: Frames, name: str, configs: Mapping[str, RunConfig]) -> dict[str, stats.Array]:
    """Return by setting what another fifth of the steps would bring each run, better upwards.

    Settings with a run that did not converge, of fewer than two runs, or of replicates that do not
    differ, are left out.
    """
    epochs, row = frames.epochs, quantity(name)
    if epochs is None or name not in epochs or epochs[name].isna().all():
        return {}
    lost = set(frames.runs.loc[frames.runs["status"] != "done", "cell"])
    stopping = {cell for cell, config in configs.items() if config.stopping.name != "none"}
    kept = epochs[~epochs["cell"].isin(lost | stopping)].dropna(subset=[name])
    sign = row.effect_scale * (1 if row.better == "higher" else -1)
    gains: dict[str, list[float]] = {}
    for cell, slope, last in _last_slopes(kept, name):
        gains.setdefault(cell, []).append(sign * slope * _LAST * last)
    arrays = {cell: np.array(found) for cell, found in gains.items() if len(found) > 1}
    # The same in every replicate: a t of it would be a fiction.
    return {cell: found for cell, found in arrays.items() if np.ptp(found) > 0}


def _last_slopes(epochs: pd.DataFrame, name: str) -> list[tuple[str, float, float]]:
    """Return by run its cell, the slope over the end of its training, and its last step.

    Runs without two evaluations there are left out. Runs that were evaluated at the same steps
    are fitted together: a hundred thousand fits take half a minute.
    """
    code = epochs.groupby(["cell", "replicate"], sort=False).ngroup().to_numpy()
    order = np.argsort(code, kind="stable")
    steps, values = (epochs[column].to_numpy(float)[order] for column in ("step", name))
    cells = epochs["cell"].to_numpy(object)[order]
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    together: dict[bytes, list[tuple[int, stats.Array]]] = {}
    ends = np.append(starts[1:], len(order))[: len(starts)]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        own = steps[start:end]
        last = own.max()
        kept = own >= (1 - _LAST) * last
        if kept.sum() < 2:
            kept = np.isin(own, np.sort(own)[-2:])
        if kept.sum() >= 2 and last > 0:
            alike = together.setdefault(own[kept].tobytes(), [])
            alike.append((start, values[start:end][kept]))
    found: dict[int, tuple[str, float, float]] = {}
    for key, runs in together.items():
        x = np.frombuffer(key)
        slopes = np.polyfit(x, np.stack([one for _, one in runs], axis=1), 1)[0]
        for (start, _), slope in zip(runs, slopes, strict=True):
            found[start] = (str(cells[start]), float(slope), float(x.max()))
    return [found[start] for start in sorted(found)]


def _setting(cell: str, study: Study, runs: pd.DataFrame) -> str:
    """Return the levels of a cell, without those that it does not have."""
    row = runs[runs["cell"] == cell].iloc[0]
    levels = [(f.label, row.get(level_column(f.name))) for f in study.factors]
    named = [f"{label} {level}" for label, level in levels if isinstance(level, str)]
    return ", ".join(one for one in named if not one.endswith(f" {ABSENT}"))
