"""Whether a verdict on test accuracy holds for other test examples too, not for these alone.

All replicates are scored on one test set. Here its examples are a sample, as the replicates are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from ablate import stats
from ablate.report.claim_evidence import margin_of
from ablate.report.claim_metrics import measure
from ablate.report.example_answers import NotRecordedError, answers
from ablate.report.frame import Frames
from ablate.report.parts import of_part
from ablate.report.run_arrays import Measure
from ablate.stats import Arm
from ablate.study.accuracy import compares_accuracy
from ablate.study.claims import Claim, Effect, Interaction, Order
from ablate.study.schema import Study

Word = Literal["yes", "no", "open", "not recorded"]
#: Outcomes of which nothing is said: nobody knows yet what holds for these examples.
_NO_VERDICT = ("withheld", "incomplete", "not answered")


@dataclass(frozen=True)
class OtherExamples:
    """What the runs say of a claim that means other test examples as well.

    word         `yes`: the claim is supported for these too, at its level; `no`: refuted for these
                 too; `open`: neither; `not recorded`: nobody knows which examples the runs answer
    found        the mean difference in points with its errors; of an order that of its least
                 certain step. None under two pairs
    p_supported, p_refuted  as of the claim's evidence
    left_out     replicates without a pair that converged
    note         why it is not recorded; empty where the report has no such frame
    """

    word: Word
    found: stats.Crossed | None = None
    p_supported: float = 1.0
    p_refuted: float = 1.0
    left_out: int = 0
    note: str = ""


def other_examples(
    claim: Claim, study: Study, frames: Frames, outcome: str, level: float
) -> OtherExamples | None:
    """Return what the runs say of a claim for other test examples too.

    outcome, level  of the verdict on these examples

    None for a claim that is not about mean accuracies on the test set, and where nothing is judged.
    """
    if not compares_accuracy(claim, study) or outcome in _NO_VERDICT:
        return None
    assert isinstance(claim, Effect | Order)
    part = study.part_of(claim)
    own, frames = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
    try:
        steps = list(_steps(claim, measure(claim.metric, own, frames), frames))
    except NotRecordedError as error:
        return OtherExamples("not recorded", note=str(error))
    left_out = max(left for _, left in steps)
    found = [one for one, _ in steps if one is not None]
    if len(found) < len(steps):
        return OtherExamples("open", left_out=left_out)
    expect, margin = _expected(claim), margin_of(claim, study)
    ps = [stats.p_values(one, expect, margin) for one in found]
    # As of the claim itself: every step must be shown, and one that is refuted refutes all.
    weakest = max(range(len(ps)), key=lambda step: ps[step][0])
    supported, refuted = ps[weakest][0], min(1.0, len(ps) * min(p for _, p in ps))
    yes, no = outcome == "supported", outcome == "refuted"
    word: Word = "open"
    if (yes and supported <= level) or (no and refuted <= level):
        word = "yes" if yes else "no"
    return OtherExamples(word, found[weakest], supported, refuted, left_out)


def _expected(claim: Effect | Order) -> stats.Expect:
    if isinstance(claim, Effect):
        return claim.expect
    return "greater" if claim.direction == "up" else "less"


def _steps(
    claim: Effect | Order, runs: Measure, frames: Frames
) -> Iterator[tuple[stats.Crossed | None, int]]:
    """Yield every difference that the claim is about, and the replicates that have no pair.

    The difference is None where fewer than two have one. Raises NotRecordedError.
    """
    for signs, arms in _differences(claim, runs):
        given = answers(arms, frames.examples)
        points = 100 * np.tensordot(signs, given.right, axes=1)
        yield (stats.crossed(points) if len(points) > 1 else None), given.left_out


def _differences(
    claim: Effect | Order, runs: Measure
) -> Iterator[tuple[Sequence[int], Sequence[Arm]]]:
    """Yield the arms of each difference, and their signs in it, as `claim_evidence` takes them."""
    if isinstance(claim, Order):
        for low, high in pairwise(runs.study.factor(claim.over).level_names):
            yield (-1, 1), runs.pair(claim.over, low, high, claim.at)
    elif isinstance(claim, Interaction):
        other, c, d = claim.interaction
        at_c, at_d = (runs.pair(*claim.compare, {**claim.at, other: (level,)}) for level in (c, d))
        yield (1, -1, -1, 1), (*at_c, *at_d)
    else:
        yield (1, -1), runs.pair(*claim.compare, claim.at)
