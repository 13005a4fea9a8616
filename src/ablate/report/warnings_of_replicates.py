"""Warnings about replicates: too few of them, or a few that pull the mean."""

from collections.abc import Iterator, Sequence

import numpy as np

from ablate import stats
from ablate.report.claim_answer import in_units
from ablate.report.verdicts import Verdict
from ablate.report.warning import DataWarning, Finding, merged
from ablate.report.wording import counted, listed
from ablate.study.schema import Study


def too_few_replicates(study: Study, verdicts: Sequence[Verdict]) -> Iterator[DataWarning]:
    """Yield one warning on the claims that would take more replicates than there are.

    Fewer than six decide nothing. Of claims that are open: as many as would decide them with
    80 % power if the effect is what it seems.
    """
    n = study.replicates
    if n < stats.LEAST_REPLICATES:
        names = tuple(verdict.claim.name for verdict in verdicts)
        what = "no claim is judged" if names else "intervals are wide and tests weak"
        yield DataWarning(
            "too few replicates",
            names,
            f"There {'is' if n == 1 else 'are'} {counted(n, 'replicate')}; under "
            f"{stats.LEAST_REPLICATES} {what}.",
        )
        return
    needed = [verdict for verdict in verdicts if verdict.needed]
    if needed:
        counts = listed(
            [f"{one.would_tell.removesuffix(' would tell')} for {one.claim.name}" for one in needed]
        )
        yield DataWarning(
            "too few replicates",
            tuple(one.claim.name for one in needed),
            f"{n} replicates are too few for {len(needed)} of {counted(len(verdicts), 'claim')}: "
            f"it would take {counts}.",
        )


def mean_and_median_part(verdicts: Sequence[Verdict]) -> list[DataWarning]:
    """Return claims whose mean difference may be that of a few replicates: `stats.is_uneven`."""
    findings = []
    for verdict in verdicts:
        if verdict.difference is None:
            continue
        far, differ = stats.is_uneven(verdict.difference)
        if not (far or differ):
            continue
        median = float(np.median(verdict.difference))
        mean = float(verdict.difference.mean())
        numbers = f"mean {in_units(verdict, mean)}, median {in_units(verdict, median)}"
        said = numbers if far else f"{numbers}; of a t and random signs one alone tells"
        name = verdict.claim.name
        text = (
            f"The differences behind {name} are uneven ({said}): a few replicates may have made "
            "the mean, and its test may err more often than it says."
        )
        findings.append(Finding(name, text, f"{name} ({said})"))
    begin = "Differences are uneven, so a few replicates may have made the mean"
    return merged("mean and median part", findings, begin)
