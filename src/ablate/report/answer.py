"""The answer on top of a report: mechanical, in plain words, and nothing that a test denies."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ablate import stats
from ablate.config import RunConfig
from ablate.report.circumstances import Facts
from ablate.report.claim_answer import headline_answer
from ablate.report.columns import level_column
from ablate.report.frame import Frames
from ablate.report.lead import Against, Influence, Lead, influences, lead, scored
from ablate.report.number_text import mean_text, number, single, with_interval
from ablate.report.parts import of_part
from ablate.report.run_arrays import runs_asked
from ablate.report.shares import shares, shares_answer
from ablate.report.stored import LargeFrame, taken
from ablate.report.tables import check_reported, outcomes_of
from ablate.report.verdicts import Verdict
from ablate.report.wording import counted, level_text, listed, power_of_ten, sentence, singular
from ablate.study.items import Table, VarianceShares
from ablate.study.schema import Factor, Study

#: More names than this are counted in a sentence, not listed.
_MOST_NAMES = 4


def answer(
    study: Study,
    frames: Frames,
    facts: Facts,
    configs: Mapping[str, RunConfig],
    verdicts: Sequence[Verdict],
) -> str:
    """Return what a study found, in sentences that can be said aloud.

    The verdicts of its headline claims; without claims, who leads by how much and what matters
    most, for each part. A study of noise, or one that trains nothing, says first what it measured.

    frames   without an A/A control, with the gaps
    configs  of every cell, by its folder

    Raises ReportError where no run has what the study is about.
    """
    runs = frames.runs
    if not len(runs):
        return "No run has finished yet."
    noise = next((item for item in study.report if isinstance(item, VarianceShares)), None)
    said = []
    if noise is not None:
        said.append(shares_answer(shares(noise, study, frames)))
    elif not facts.is_trained:
        said.append(untrained_answer(frames.layers, runs, study))
    elif not study.claims:
        said += _led(study, frames, configs)
    if study.claims:
        said.append(headline_answer(study, verdicts))
    if facts.is_trained:
        said += _counts(study, runs, configs)
    return " ".join(said)


def untrained_answer(layers: LargeFrame, runs: pd.DataFrame, study: Study) -> str:
    """Return what happens to the forward signal, for a study that trains nothing.

    layers  as in `ablate.report.frame.Frames`; the median over replicates of a cell's ratio of
            the last hidden layer's standard deviation to the first's is what is told
    """
    signal = taken(layers, ("cell", "layer", "std"), quantity=["activation"], step=[0])
    by_layer = signal.groupby(["cell", "layer"])["std"].median().unstack()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (by_layer.iloc[:, -1] / by_layer.iloc[:, 0]).dropna().sort_values()
    ratios = ratios[np.isfinite(ratios)]
    if ratios.empty:
        return "Nothing is trained, and no layer carries a signal."
    levels = runs.drop_duplicates("cell").set_index("cell")

    def name(cell: str) -> str:
        return " and ".join(
            f"{f.label} {levels[level_column(f.name)][cell]}" for f in study.factors
        )

    kept = int(((ratios > 0.5) & (ratios < 2)).sum())
    low, high = str(ratios.index[0]), str(ratios.index[-1])
    text = (
        f"Before any training, {kept} of {counted(len(by_layer), 'setting')} carry the signal "
        f"from layer {by_layer.columns[0]} to layer {by_layer.columns[-1]} within a factor of two "
        "(standard deviation of the activations)"
    )
    if 0 < ratios[low] < 1 < ratios[high]:
        text += (
            f"; it dies away most with {name(low)} ({_times(1 / ratios[low])} smaller at the end) "
            f"and explodes most with {name(high)} ({_times(ratios[high])} larger)"
        )
    return f"{text}."


def _times(ratio: float) -> str:
    """Return `3.2 times`, or `10⁹ times` for what nobody counts."""
    if ratio < 1000:
        return f"{ratio:.2g} times"
    return f"about {power_of_ten(round(float(np.log10(ratio))))} times"


def _led(study: Study, frames: Frames, configs: Mapping[str, RunConfig]) -> list[str]:
    """Return who leads, in each part of a study that has a table."""
    check_reported(study, frames.runs)
    if not study.factors:
        cell = outcomes_of(frames.runs, study.metric.name, study)
        mean = mean_text(stats.summarize(cell), study.metric)
        return [sentence(f"{study.metric.title} is {mean} {study.metric.unit}".rstrip())]
    said = []
    for part in study.all_parts:
        own, alone = of_part(part, frames), study.part(part)
        rows = compared_factor(study, part.name, alone)
        name = f"{part.name.capitalize()}: " if part.name else ""
        said.append(f"{name}{lead_answer(alone, own, configs, rows)}")
    return said


def compared_factor(study: Study, part: str, alone: Study) -> Factor:
    """Return the factor whose levels are compared: the rows of the part's first table."""
    names = {factor.name for factor in alone.factors}
    for item in study.report:
        if isinstance(item, Table) and item.rows in names and item.part in (None, part):
            return alone.factor(str(item.rows))
    return alone.factors[0]


def lead_answer(
    study: Study, frames: Frames, configs: Mapping[str, RunConfig], rows: Factor
) -> str:
    """Return what matters most and which level of `rows` leads by how much; study of one part."""
    scores = scored(study, frames.runs, configs)
    found = lead(study, frames, scores, rows)
    if found is None:
        return f"With no level of {rows.label} did more than half of the runs converge."
    most = influences(study, scores)[0]
    said = [_leads(found, study)]
    if len(study.factors) > 1:
        lost = bool((frames.runs["status"] == "diverged").any())
        said.insert(0, _matters(most, study, lost and study.metric.is_percent))
    return " ".join(said)


def _matters(most: Influence, study: Study, lost: bool) -> str:
    """Say which factor moves the metric most, and from where to where."""
    metric, factor = study.metric, most.factor
    if len(most.means) < 2 or most.range == 0:
        return f"No factor moves {metric.title}."
    order = factor.level_names.index
    ends = sorted((most.means[0], most.means[-1]), key=lambda end: order(end[0]))
    (first, before), (second, after) = ((name, _mean(mean, study)) for name, mean in ends)
    guessed = ", runs that did not converge counted as guessing" if lost else ""
    return (
        f"Most depends on {factor.label}: averaged over everything else{guessed}, {metric.title} "
        f"is {before} at {first} and {after} at {second}."
    )


def _leads(found: Lead, study: Study) -> str:
    """Say who leads by how much, over the runner-up and the baseline, and who is no worse."""
    factor, mean = found.factor, _mean(found.mean, study)
    tied = [one for one in found.against if not one.is_behind]
    runner, base = found.against[:1], found.other(found.baseline)
    named = [(one, "the runner-up ") for one in runner]
    named += [(base, "")] if base and base not in runner else []
    compared = [
        f"{_difference(one, found.unit)} against {word}{one.other}"
        for one, word in named
        if one.evidence.effect is not None
    ]
    highest = "highest" if study.metric.better == "higher" else "lowest"
    best = level_text(factor, found.best)
    others = [f.label for f in study.factors if f != factor]
    text = (
        f"{best} {'is best' if runner and not tied else f'has the {highest} {study.metric.title}'}"
    )
    text += f" of the {len(factor.level_names)} levels of {factor.label}"
    text += f", averaged over {listed(others)}" if others else ""
    text += f": {mean}{'; pair by pair ' if compared else ''}{listed(compared) if compared else ''}"
    said = [sentence(text)]
    if study.replicates < 2:
        said.append("With one run a cell no difference is tested.")
    elif tied:
        said.append(_no_worse(factor, tied))
    if found.lost:
        who = _named(factor, found.lost)
        said.append(sentence(f"{who} cannot lead: half or more of their runs did not converge"))
    return " ".join(said)


def _mean(value: float, study: Study) -> str:
    """Return a mean that has no interval: a percentage to a tenth."""
    metric = study.metric
    if metric.scale == 100:
        return f"{number(100 * value, 1)} {metric.unit}"
    return f"{single(value, metric)} {metric.unit}".rstrip()


def _difference(one: Against, unit: str) -> str:
    assert one.evidence.effect is not None
    return singular(with_interval(one.evidence.effect, *one.interval, unit=unit))


def _named(factor: Factor, names: Sequence[str]) -> str:
    """Return levels by name, or only how many where they are many."""
    if len(names) > _MOST_NAMES:
        return f"{len(names)} others"
    return listed([level_text(factor, names[0]), *names[1:]])


def _no_worse(factor: Factor, tied: Sequence[Against]) -> str:
    """Say of levels that no test shows them worse, without saying that they are as good."""
    names = [one.other for one in tied]
    are = "is" if len(names) == 1 else "are"
    return sentence(f"{_named(factor, names)} {are} no worse as far as these runs can tell")


def _counts(study: Study, runs: pd.DataFrame, configs: Mapping[str, RunConfig]) -> list[str]:
    """Say how many runs did not converge and how many are missing, where there are any."""
    cells = sum(not config.control for config in configs.values()) or runs["cell"].nunique()
    asked = runs_asked(study, runs, cells)
    failures = int((runs["status"] == "diverged").sum())
    finished = failures + int((runs["status"] == "done").sum())
    missing = asked - finished
    said = []
    if failures:
        said.append(f"{failures} of {finished} runs did not converge.")
    elif not study.claims:
        said.append("Every run converged.")
    if missing > 0:
        said.append(f"{missing} of {finished + missing} runs are missing.")
    return said
