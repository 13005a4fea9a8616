"""Warnings that the data give by themselves: where a reader would be wrong to take it as it stands.

Every kind is a rule on runs, configs and verdicts; nobody writes one by hand.
"""

from collections.abc import Iterator, Mapping, Sequence

from ablate.config import RunConfig
from ablate.report.circumstances import Facts
from ablate.report.comparisons import comparisons
from ablate.report.frame import Frames
from ablate.report.verdicts import Verdict
from ablate.report.warning import DataWarning
from ablate.report.warnings_of_design import (
    edge_of_tuning,
    half_not_converged,
    one_learning_rate,
    tuned_on_few,
)
from ablate.report.warnings_of_machines import unlike_machines
from ablate.report.warnings_of_replicates import mean_and_median_part, too_few_replicates
from ablate.report.warnings_of_test_set import small_test_set
from ablate.report.warnings_of_training import still_improving, trained_differently
from ablate.study.schema import Study


def warnings_of(
    study: Study,
    frames: Frames,
    facts: Facts,
    configs: Mapping[str, RunConfig],
    verdicts: Sequence[Verdict],
) -> list[DataWarning]:
    """Return the warnings of a study, those on what its runs learnt first; a quick look has none.

    frames   without an A/A control
    configs  of every cell, by its folder
    """
    if study.is_quick or not len(frames.runs):
        return []
    return list(_all(study, frames, facts, configs, verdicts))


def _all(
    study: Study,
    frames: Frames,
    facts: Facts,
    configs: Mapping[str, RunConfig],
    verdicts: Sequence[Verdict],
) -> Iterator[DataWarning]:
    if facts.is_trained:
        compared = comparisons(study, frames, configs, verdicts)
        yield from trained_differently(compared)
        yield from still_improving(study, frames, configs)
        yield from one_learning_rate(compared, configs)
        yield from edge_of_tuning(study, frames)
        yield from tuned_on_few(study)
        yield from half_not_converged(study, frames, compared)
        yield from small_test_set(compared, facts.examples.get("test"))
        yield from mean_and_median_part(verdicts)
    yield from too_few_replicates(study, verdicts)
    yield from unlike_machines(frames.runs)
