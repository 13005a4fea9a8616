"""Warnings on how a comparison was set up: rates, tuning, lost runs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ablate import stats
from ablate.config import RunConfig
from ablate.config.key import canonical, flat
from ablate.report.chosen import chosen_edges
from ablate.report.claim_metrics import measure
from ablate.report.columns import tuned_column
from ablate.report.comparisons import Comparison
from ablate.report.frame import Frames
from ablate.report.number_text import number
from ablate.report.warning import DataWarning, Finding, merged
from ablate.report.wording import WITH, arm_text, counted, listed
from ablate.study.names import level_name
from ablate.study.schema import Study

_RATE = "optimizer.lr"
#: Keys that change how far a step of one learning rate goes: what is divided by what, how gradients
#: are averaged and scaled, how large the weights are that a step changes, how the rate runs.
_CHANGES_THE_STEP = ("optimizer.", "schedule.", "init.", "model.norm", "trainer.batch_size")


def one_learning_rate(
    compared: Sequence[Comparison], configs: Mapping[str, RunConfig]
) -> list[DataWarning]:
    """Return comparisons at one learning rate of what changes the step, where no rate was tuned.

    Where the rate is a factor of the study the warning says how the two compare at the best of it
    for each, as it happened.
    """
    findings = []
    for one in compared:
        keys, rates = _step_keys(one, configs)
        if keys and len(rates) == 1:
            rate = level_name(*rates)
            best = _at_own_best(one)
            findings.append(
                Finding(
                    one.claim,
                    f"Compared at one learning rate, {rate}: {one.what}, though {listed(keys)} "
                    f"changes how far a step goes and no rate was tuned; "
                    f"{best or 'at a rate of its own either may do better'}.",
                    f"{one.what} ({rate}{f'; {best}' if best else ''})",
                )
            )
    begin = (
        "Compared at one learning rate for both arms, though what differs changes how far a step "
        "goes and no rate was tuned"
    )
    return merged("one learning rate", findings, begin)


def _step_keys(
    one: Comparison, configs: Mapping[str, RunConfig]
) -> tuple[list[str], frozenset[float]]:
    """Return the keys that change the step and differ between the arms, and all their rates."""
    tune = one.study.tune
    if tune is not None and tune.key == _RATE:
        return [], frozenset()
    pairs = [
        (configs[a], configs[b])
        for a, b in zip(one.arms[0].cells, one.arms[1].cells, strict=True)
        if a in configs and b in configs
    ]
    every = [config for pair in pairs for config in pair]
    if any(config.trainer.is_user_code or _rate_of(config) is None for config in every):
        return [], frozenset()
    found: set[str] = set()
    for pair in pairs:
        a, b = (flat(canonical(config)) for config in pair)
        changed = {key for key in a.keys() | b.keys() if a.get(key) != b.get(key)}
        found |= {key for key in changed if key.startswith(_CHANGES_THE_STEP)}
    rates = frozenset(rate for config in every if (rate := _rate_of(config)) is not None)
    return sorted({key.removesuffix(".name") for key in found - {_RATE}}), rates


def _rate_of(config: RunConfig) -> float | None:
    """Return the learning rate; None of an optimizer of the user's own, which may have none."""
    rate = getattr(config.optimizer, "lr", None)
    return None if rate is None else float(rate)


def _at_own_best(one: Comparison) -> str:
    """Return how the arms compare at the best rate of each; empty where it is no factor."""
    rate = next((f for f in one.study.factors if f.sets(_RATE)), None)
    if rate is None or rate.name not in one.at or one.metric != one.study.metric.name:
        return ""
    runs = measure(None, one.study, one.frames)
    sign = 1 if one.study.metric.better == "higher" else -1
    said = []
    for level in (one.a, one.b):
        means: dict[str, float] = {}
        for at in rate.level_names:
            arm = runs.at({**one.at, rate.name: (at,), one.factor.name: (level,)})
            if 2 * arm.not_converged.mean() < 1 and arm.converged.any():
                means[at] = float(np.nanmean(arm.values))
        if not means:
            return ""
        best = max(means, key=lambda at: sign * means[at])
        digits, unit = (1, " %") if one.study.metric.is_percent else (3, "")
        said.append(f"{level} {number(means[best], digits)}{unit} at {best}")
    return f"each at its best rate: {said[0]}, {said[1]}"


def edge_of_tuning(study: Study, frames: Frames) -> Iterator[DataWarning]:
    """Yield one warning where tuning chose the smallest or the largest value that it tried.

    Where each replicate has its own choice: in half of them or more. Settings with half or more
    runs that did not converge are left out: no choice saves them.
    """
    tune = study.tune
    column = tuned_column(tune.key) if tune else ""
    if tune is None or column not in frames.runs or len(tune.values) < 2:
        return
    runs = frames.runs[frames.runs["status"] != "failed"]
    chosen = {}
    for cell, rows in runs.groupby("cell", sort=False):
        known = rows[column].dropna()
        if 2 * (rows["status"] == "diverged").mean() < 1 and len(known):
            chosen[str(cell)] = chosen_edges(tune, [float(value) for value in known])
    total = sum(bool(edges) for edges in chosen.values())
    if not total:
        return
    ends = {end: sum(end in edges for edges in chosen.values()) for end in sorted(tune.values)}
    where = [f"{level_name(value)} in {count}" for value, count in ends.items() if count]
    yield DataWarning(
        "edge of tuning",
        (),
        f"In {total} of {len(chosen)} settings that converged tuning chose the smallest or the "
        f"largest {tune.key} tried ({listed(where)}), so a better one may lie beyond it.",
    )


def tuned_on_few(study: Study) -> Iterator[DataWarning]:
    """Yield one warning where all replicates share a choice that one or two tuning runs made.

    How sure such a choice is nobody can know, so nothing of it enters a verdict.
    """
    tune = study.tune
    if tune is None or tune.nested or tune.replicates >= stats.LEAST_TUNING_REPLICATES:
        return
    yield DataWarning(
        "tuned on few",
        (),
        f"Each setting's {tune.key} was chosen by {counted(tune.replicates, 'tuning run')} of each "
        "value, from which nobody can tell how sure the choice is: no interval covers it, and "
        "settings that are alike may be told apart by their choices alone.",
    )


def half_not_converged(
    study: Study, frames: Frames, compared: Sequence[Comparison]
) -> list[DataWarning]:
    """Return comparisons of which an arm lost more than half of its runs.

    Without claims: how many settings did.
    """
    if study.claims:
        findings = [finding for one in compared if (finding := _lost(one))]
        begin = (
            "More than half of an arm did not converge, so means speak of the runs that are left"
        )
        return merged("half n/c", findings, begin)
    ended = frames.runs[frames.runs["status"] != "failed"]
    shares = (ended["status"] == "diverged").groupby(ended["cell"]).mean()
    lost = int((shares > 0.5).sum())
    if not lost:
        return []
    text = (
        f"In {lost} of {len(shares)} settings more than half of the runs did not converge, so "
        "their means speak of the runs that are left."
    )
    return [DataWarning("half n/c", (), text)]


def _speaks_of(one: Comparison, left: int) -> str:
    """Say what a comparison rests on of which an arm lost most runs."""
    evidence = one.verdict.evidence if one.verdict else one.evidence
    if evidence.test == "jackknife t":
        return "they count as guessing, so the comparison is of failing and not failing"
    if evidence.is_of_convergence_alone or evidence.test == "sign":
        return "what is told rests on who lost runs, not on a difference of means"
    return f"the effect speaks of the {left} that did"


def _lost(one: Comparison) -> Finding | None:
    for level, arm in zip((one.a, one.b), one.arms, strict=True):
        lost, total = int(arm.not_converged.sum()), int((~arm.missing).sum())
        if total and 2 * lost > total:
            plain = level in WITH or level[:1].isdigit()
            name = arm_text(one.factor, level) if plain else f"with {one.factor.label} {level}"
            said = f"{lost} of {counted(total, 'run')} {name} did not converge"
            rest = _speaks_of(one, total - lost)
            return Finding(one.claim, f"{said}: {rest}.", said)
    return None
