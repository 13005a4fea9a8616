"""Whether a verdict on test accuracy holds for other test examples too, not for these alone.

All replicates are scored on one test set. Here its examples are a sample, as the replicates are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ablate import stats
from ablate.config import RunConfig
from ablate.report.claim_evidence import margin_of
from ablate.report.claim_metrics import measure
from ablate.report.differences import Difference, differences, expected
from ablate.report.example_answers import NotRecordedError, answers
from ablate.report.frame import Frames
from ablate.report.parts import of_part
from ablate.report.tuning_noise import choice_variance
from ablate.study.accuracy import compares_accuracy
from ablate.study.claims import Claim, Effect, Order
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

    @property
    def is_told(self) -> bool:
        """Whether there is more to say than that the report is older than such a record."""
        return self.word != "not recorded" or bool(self.note)


def other_examples(
    claim: Claim,
    study: Study,
    frames: Frames,
    configs: Mapping[str, RunConfig],
    outcome: str,
    level: float,
) -> OtherExamples | None:
    """Return what the runs say of a claim for other test examples too.

    study           with the replicates that the verdict is of
    outcome, level  of the verdict on these examples

    None for a claim that is not about mean accuracies on the test set, and where nothing is judged.
    """
    if not compares_accuracy(claim, study) or outcome in _NO_VERDICT:
        return None
    assert isinstance(claim, Effect | Order)
    part = study.part_of(claim)
    own, frames = (study.part(part), of_part(part, frames)) if study.parts else (study, frames)
    measured, margin = measure(claim.metric, own, frames), margin_of(claim, study)
    try:
        found = [
            _step(claim, one, margin, frames, choice_variance(measured, one.arms, configs))
            for one in differences(claim, measured)
        ]
    except NotRecordedError as error:
        return OtherExamples("not recorded", note=str(error))
    # As of the claim itself: every step must be shown, and one that is refuted refutes all.
    weakest = max(found, key=lambda step: step.p_supported)
    refuted = min(1.0, len(found) * min(step.p_refuted for step in found))
    word: Word = "open"
    if outcome == "supported" and weakest.p_supported <= level:
        word = "yes"
    elif outcome == "refuted" and refuted <= level:
        word = "no"
    left_out = max(step.left_out for step in found)
    return replace(weakest, word=word, p_refuted=refuted, left_out=left_out)


def _step(
    claim: Effect | Order,
    one: Difference,
    margin: float,
    frames: Frames,
    extra: tuple[float, float],
) -> OtherExamples:
    """Return what is known of one difference, its word open; `extra` as of `stats.crossed`."""
    given = answers(one.arms, frames.examples)
    if len(given.replicates) < 2:
        return OtherExamples("open", left_out=given.left_out)
    found = stats.crossed(100 * np.tensordot(one.signs, given.right, axes=1), extra)
    _, ps = stats.weighed(found, one.pairs, expected(claim), margin)
    return OtherExamples("open", found, *ps, left_out=given.left_out)
