"""The warning on small test sets: comparisons that other test examples could turn."""

from collections.abc import Sequence

import numpy as np

from ablate import stats
from ablate.metrics import quantity
from ablate.report.claim_evidence import margin_of
from ablate.report.comparisons import Comparison
from ablate.report.example_answers import NotRecordedError, answers
from ablate.report.number_text import number
from ablate.report.warning import DataWarning, Finding, merged
from ablate.study.accuracy import ACCURACY


def small_test_set(compared: Sequence[Comparison], examples: int | None) -> list[DataWarning]:
    """Return comparisons of test accuracy that other test examples could turn.

    Where a report keeps which examples the runs get right: those that are decided by replicates
    alone and not where examples are a sample as well. Elsewhere by what accuracies alone tell of it
    (`_error_by_accuracy`). Intervals cover replicates, not examples.
    """
    findings = []
    for one in compared:
        effect = one.evidence.effect
        found = _error(one, examples)
        if effect is None or found is None:
            continue
        error, count = found
        said = f"{number(effect, 1, '+')} points"
        findings.append(
            Finding(
                one.claim,
                f"On other test examples {one.what} ({said}) may turn out otherwise: "
                f"{count:,} of them leave a standard error of {number(error, 2)} points, "
                "which the interval over replicates does not cover.",
                f"{one.what} ({said}, standard error {number(error, 2)})",
            )
        )
    begin = (
        f"On other test examples than these {examples or 0:,} some comparisons may turn out "
        "otherwise, which intervals over replicates do not cover"
    )
    return merged("small test set", findings, begin)


def _error(one: Comparison, examples: int | None) -> tuple[float, int] | None:
    """Return the standard error that lets a comparison turn, and the number of examples.

    None where nothing is decided, or where it would not turn.
    """
    verdict = one.verdict
    if verdict is not None and not verdict.is_decided:
        return None
    recorded = verdict.other_examples if verdict is not None else None
    if recorded is not None and recorded.is_told:
        found = recorded.found if recorded.word == "open" else None
        return (found.both.error, found.examples) if found else None
    if verdict is None and one.metric == ACCURACY and _is_shown(one):
        try:
            given = answers(one.arms, one.frames.examples)
        except NotRecordedError:
            pass
        else:
            found = stats.crossed(100 * (given.right[0] - given.right[1]))
            low, high = found.interval(stats.ALPHA)
            return (found.both.error, found.examples) if low <= 0 <= high else None
    return _error_by_accuracy(one, examples)


def _error_by_accuracy(one: Comparison, examples: int | None) -> tuple[float, int] | None:
    """Return the same where a report does not keep which examples the runs get right.

    A standard error is more than half of the margin (the study's smallest effect, where the claim
    has none), and the effect lies within 1.96 of it of what decides. It is that of an accuracy,
    sqrt(p (1 - p)/N), or of the paired difference where that is smaller: networks that answer
    alike hardly depend on the examples. How many answers differ, a share q, is not known;
    sqrt(q/N) is taken to be the standard deviation of the difference over replicates, as it is
    where which answers differ is by chance.
    """
    percent = one.metric.startswith("test/") and quantity(one.metric).unit == "%"
    scored = percent and quantity(one.metric).effect_scale == 100
    effect, margin = one.evidence.effect, _margin(one)
    if not (examples and scored and margin) or effect is None:
        return None
    shares = np.concatenate([arm.values.ravel() for arm in one.arms]) / 100
    p = float(np.nanmean(shares))
    error = min(100 * float(np.sqrt(p * (1 - p) / examples)), one.evidence.sd or 0.0)
    near = min(abs(effect - bound) for bound in _bounds(one))
    turns = error > margin / 2 and near < 1.96 * error and _is_shown(one)
    return (error, examples) if turns else None


def _is_shown(one: Comparison) -> bool:
    low, high = one.evidence.limits(stats.ALPHA)
    return one.verdict is not None or (low is not None and high is not None and low * high > 0)


def _margin(one: Comparison) -> float | None:
    claimed = margin_of(one.verdict.claim, one.study) if one.verdict else 0.0
    return claimed or one.study.smallest_effect


def _bounds(one: Comparison) -> tuple[float, ...]:
    """Return the effects between which a verdict changes."""
    if one.verdict is None:
        return (0.0,)
    margin = margin_of(one.verdict.claim, one.study)
    signs = {"greater": (1,), "less": (-1,)}.get(getattr(one.verdict.claim, "expect", ""), (-1, 1))
    return tuple(sign * margin for sign in signs)
