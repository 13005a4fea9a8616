"""What the runs say of a claim, as one sentence that can be said aloud: yes, no, or not yet."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ablate.metrics import Final, Probed, StepsTo, quantity
from ablate.report.number_text import with_interval
from ablate.report.verdicts import DISAGREE, SMALL, Verdict
from ablate.report.wording import (
    arm_text,
    asks_yes_or_no,
    counted,
    in_sentence,
    level_text,
    listed,
    other_arm_text,
    pair_text,
    singular,
)
from ablate.stats import LEAST_REPLICATES
from ablate.study.claims import Effect, Follows, Interaction, Noise, Order, Rate, Spread
from ablate.study.schema import Factor, Study

#: How a report tells of claims that are not its headline, in this order.
_OUTCOMES = (
    "supported", "refuted", SMALL, "open", "undecided", "not answered", "incomplete", "withheld",
)  # fmt: skip


def headline_answer(study: Study, verdicts: Sequence[Verdict]) -> str:
    """Return a sentence for each headline claim, and how many of the others hold."""
    by_name = {verdict.claim.name: verdict for verdict in verdicts}
    chosen = [by_name[name] for name in study.headline_claims if name in by_name]
    sentences = [
        claim_sentence(verdict, study, is_first=place == 0) for place, verdict in enumerate(chosen)
    ]
    others = Counter(
        {"inconclusive": "open", DISAGREE: "undecided"}.get(verdict.outcome, verdict.outcome)
        for verdict in verdicts
        if verdict not in chosen
    )
    return " ".join([*sentences, *_others(others)])


def _others(outcomes: Mapping[str, int]) -> list[str]:
    """Return `Of the other 3 claims 2 are supported and 1 is refuted.`, where there are others."""
    found = [outcome for outcome in _OUTCOMES if outcomes.get(outcome)]
    total = sum(outcomes.values())
    if not found:
        return []
    if len(found) == 1:
        are = {1: "other claim is", 2: "other two claims are both"}
        return [f"The {are.get(total, f'other {total} claims are all')} {found[0]}."]
    said = [f"{outcomes[one]} {'is' if outcomes[one] == 1 else 'are'} {one}" for one in found]
    return [f"Of the other {total} claims {listed(said)}."]


def claim_sentence(verdict: Verdict, study: Study, is_first: bool = True) -> str:
    """Return `Yes: <the claim>: <the effect>` for a verdict, with what it rests on.

    The word is about the claim. `Shown` stands in place of `Yes` where yes might be read as the
    answer to something else: behind a question that it cannot answer (`Which ...?`), for a claim
    that nothing differs, and for all claims but the first.
    """
    text, found = in_sentence(verdict.claim.text), found_in_words(verdict, study)
    if verdict.outcome == "supported":
        differs = getattr(verdict.claim, "expect", "") != "equal"
        word = "Yes" if is_first and differs and asks_yes_or_no(study.question) else "Shown"
        return f"{word}: {text}: {found}."
    if verdict.outcome == "refuted":
        return f"No: it is not so that {text}: {found}."
    whether = text if text.startswith("whether ") else f"whether {text}"
    if verdict.outcome == "incomplete":
        return f"Not yet: runs are missing that would tell {whether}."
    if verdict.outcome == "not answered":
        why = in_sentence(verdict.note) if verdict.note else "nothing converged"
        return f"Not yet: these runs cannot tell {whether}: {why}."
    if verdict.outcome == "withheld":
        few = f"fewer than {LEAST_REPLICATES} replicates do"
        if not study.is_quick and verdict.evidence.n < verdict.arms[0].values.shape[1]:
            few = f"the {counted(verdict.evidence.n, 'replicate')} that say something do"
        who = "a quick look does" if study.is_quick else few
        return f"Not yet: {who} not tell {whether}: {found}."
    if verdict.outcome == SMALL:
        least = in_units(verdict, study.smallest_effect or 0.0).lstrip("+")
        return f"No difference of {least} or more, as to {whether}: {found}."
    if verdict.outcome == DISAGREE:
        return f"Not yet: runs that converged and runs that did not disagree on {whether}: {found}."
    return f"Not yet: these runs do not tell {whether}: {found}{_would_take(verdict)}."


def effect_in_units(verdict: Verdict, basis: str = "") -> str:
    """Return `+3.4 points (2.6 to 4.2; 6 replicates)`: shares in points, a dash without an effect.

    basis  stands behind the interval, in the same brackets
    """
    effect = verdict.evidence.effect
    if effect is None:
        return "–"
    scale, unit = _shown(verdict)
    low, high = (None if end is None else scale * end for end in (verdict.low, verdict.high))
    sign = "" if isinstance(verdict.claim, Rate) else "+"
    text = with_interval(scale * effect, low, high, sign, unit)
    text = singular(text)
    if not basis:
        return text
    return f"{text[:-1]}; {basis})" if text.endswith(")") else f"{text} ({basis})"


def in_units(verdict: Verdict, value: float) -> str:
    """Return another number of the effect's kind as the effect is shown: `+3.2 points`."""
    scale, unit = _shown(verdict)
    return singular(with_interval(scale * value, None, None, "+", unit))


def rate_in_words(verdict: Verdict) -> str:
    """Return `in 5 of 6 replicates all runs converged`: what a claim on a rate counts."""
    claim, evidence, (arm,) = verdict.claim, verdict.evidence, verdict.arms
    assert isinstance(claim, Rate)
    count = f"{round((evidence.effect or 0.0) * evidence.n)} of {evidence.n}"
    settings, converges = len(arm.values), claim.expect == "converges"
    runs = "runs converged" if converges else "runs did not converge"
    if settings == 1:
        return f"{count} {runs}"
    if claim.per == "setting":
        return f"in the least certain of {settings} settings {count} {runs}"
    return f"in {count} replicates {'all' if converges else 'none'} of {settings} runs converged"


def measured_name(verdict: Verdict, study: Study) -> str:
    """Return what a claim's effect is an effect in: `test accuracy`, or nothing where it says."""
    match verdict.claim.metric:
        case None if study.metric.name == "steps":
            return "the number of steps"
        case None:
            own = study.metric.name
            return quantity(own).label if "/" in own else study.metric.title
        case Final(name):
            return quantity(name).label
        case StepsTo():
            return ""
        case Probed(place, statistic, layer, against=against):
            what = quantity(f"probe/{statistic}").label
            if place != "activation":
                what = f"{statistic} of the {place.replace('_', ' ')}s"
            where = "the last layer" if layer == "last" else f"layer {layer}"
            if against is None:
                return f"{what} in {where}"
            other = "the last" if against == "last" else f"layer {against}"
            return f"{what} in {where} divided by that in {other}"


def _shown(verdict: Verdict) -> tuple[float, str]:
    """Return what an effect is multiplied by, and its unit: shares are shown in points."""
    match verdict.claim.metric:
        case _ if verdict.unit == "share":
            return 100, "%"
        case Final(name) if not verdict.unit and quantity(name).scale == 100:
            return 100, "points"
        case Probed(statistic=name, against=None) if (
            not verdict.unit and quantity(f"probe/{name}").scale == 100
        ):
            return 100, "points"
    return 1, verdict.unit


def found_in_words(verdict: Verdict, study: Study) -> str:
    """Return the effect in words, with the replicates and the runs lost that it rests on."""
    claim, basis, lost = verdict.claim, _basis(verdict), any(verdict.not_converged)
    if isinstance(claim, Rate):
        said = rate_in_words(verdict)
        return said if "replicates" in said else f"{said} ({basis})"
    if verdict.evidence.test == "none":
        return f"nothing to compare ({basis})"
    parts = verdict.evidence.parts
    if verdict.evidence.effect is None:
        return f"{_losses(verdict, study)} ({basis})"
    if parts is None:
        return _effect(verdict, study, f"{basis}; n/c {verdict.lost}" if lost else basis)
    alone = verdict.evidence.is_of_convergence_alone and verdict.is_decided
    rests = ", on which alone the verdict rests" if alone else ""
    said = f"{_losses(verdict, study)}{rests}"
    return f"where both converged, {_effect(verdict, study, basis)}; {said}"


def _basis(verdict: Verdict) -> str:
    return counted(verdict.arms[0].values.shape[1], "replicate") if verdict.arms else "no runs"


def _effect(verdict: Verdict, study: Study, basis: str) -> str:
    """Return the effect behind the words that its form of claim needs."""
    what, effect = measured_name(verdict, study), effect_in_units(verdict, basis)
    claim = verdict.claim
    pair = ""
    if isinstance(claim, Effect | Spread):
        pair = pair_text(_factor(study, claim.compare[0]), *claim.compare[1:])
    match claim:
        case Noise():
            return f"the standard deviation between replicates {effect}, {pair}"
        case Spread(spread_over=over):
            between = f"between levels of {study.factor(over).label}"
            return f"the variance of {what} {between} {effect}, {pair}"
        case Interaction(interaction=(other, c, d)):
            at = level_text(_factor(study, other), c)
            return f"in {what} {pair} is worth {effect} more at {at} than at {d}"
        case Effect():
            return f"{what} {effect}, {pair}".strip()
        case Order():
            return f"in {what} the least certain step is {effect}"
        case Follows():
            of_ratio = claim.follows == "equal_layers"
            whose = "what is equal in both layers" if of_ratio else "theory"
            return f"what is measured lies {effect} from {whose}"
    return effect


def _losses(verdict: Verdict, study: Study) -> str:
    """Return `0 of 50 runs failed with batch norm, 40 of 50 without`, for the two arms compared."""
    claim = verdict.claim
    assert isinstance(claim, Effect | Spread)
    name, *levels = claim.compare
    factor = _factor(study, name)
    counts = [f"{k} of {n}" for k, n in zip(verdict.not_converged, verdict.runs, strict=True)]
    first, second = arm_text(factor, levels[0]), other_arm_text(levels[1])
    return f"{counts[0]} runs failed to converge {first}, {counts[1]} {second}"


def _factor(study: Study, name: str) -> Factor:
    """Return a factor of the study, or the tuned key as one."""
    own = {factor.name: factor for factor in study.factors}
    return own[name] if name in own or study.tune is None else study.tune.factor


def _would_take(verdict: Verdict) -> str:
    return f"; {verdict.would_tell}" if verdict.would_tell else ""
