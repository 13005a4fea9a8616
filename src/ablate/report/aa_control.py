"""The A/A control: a cell against itself with other seeds, where no difference can be."""

from collections.abc import Mapping

from ablate.config import RunConfig
from ablate.report.claim_metrics import measure
from ablate.report.columns import tuned_column
from ablate.report.frame import Frames
from ablate.report.number_text import with_interval
from ablate.report.parts import of_cells
from ablate.report.run_arrays import arm_of, asked_of
from ablate.stats import ALPHA, pair_up, paired_effect
from ablate.study.schema import Study


def without_control(frames: Frames, configs: Mapping[str, RunConfig]) -> Frames:
    """Return the frames of all other cells: no table or figure shows the control as a cell."""
    controls = {slug for slug, config in configs.items() if config.control}
    return of_cells(frames, set(frames.runs["cell"]) - controls) if controls else frames


def control_text(study: Study, frames: Frames, configs: Mapping[str, RunConfig]) -> str:
    """Say how far control and original lie apart; empty where the study has no control.

    The same test as for claims, and a level of its own: one control in twenty shows a difference.
    """
    slug = next((slug for slug, config in configs.items() if config.control), "")
    if slug not in set(frames.runs["cell"]):
        return ""
    plain = configs[slug].model_copy(update={"control": False})
    original = next(slug for slug, config in configs.items() if config == plain)
    found = measure(None, study, frames)
    runs = found.values
    both = [runs[runs["cell"] == cell] for cell in (slug, original)]
    n = min(asked_of(study, own) for own in both)
    a, b = (arm_of(own, n) for own in both)
    evidence = paired_effect(pair_up(a, b, found.better), "greater", 0.0)
    how = _tuned(study, frames, slug, original)
    begin = f"The runs of {original.rpartition('-')[0]} once more with other seeds{how}"
    counts = " and ".join(str(int(arm.not_converged.sum())) for arm in (a, b))
    not_converged = f"n/c {counts} of {n}"
    if evidence.test == "none":
        return f"{begin}: nothing to compare ({not_converged})."
    if evidence.effect is not None:
        apart = with_interval(evidence.effect, *evidence.limits(ALPHA), unit=found.unit)
        begin = f"{begin} differ by {apart}"
    end = (
        "no difference is shown, as it should be"
        if evidence.p > ALPHA
        else "a difference is shown that is not there, as in one control of twenty"
    )
    return f"{begin}; {evidence.test}, p = {evidence.p:.2g}, {not_converged}: {end}."


def _tuned(study: Study, frames: Frames, control: str, original: str) -> str:
    """Say how the control came to its value of a tuned key; nothing where none is tuned."""
    tune = study.tune
    if tune is None:
        return ""
    if tune.nested:
        return f", {tune.key} tuned anew for each as it was for theirs,"
    runs, column = frames.runs, tuned_column(tune.key)
    values = [set(runs.loc[runs["cell"] == cell, column].dropna()) for cell in (control, original)]
    if values[0] == values[1]:
        return f" and the {tune.key} that was chosen for them"
    # Of a version that tuned the control apart.
    return f" and another choice of {tune.key}, which alone can tell them apart,"
