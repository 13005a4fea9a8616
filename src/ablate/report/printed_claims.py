"""The table of claims: what was said beforehand, what came of it, and how sure that is."""

from collections.abc import Sequence
from dataclasses import replace

from ablate.report import printed_other_examples
from ablate.report.number_text import p_is, with_interval
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.tables import csv_text
from ablate.report.verdicts import SMALL, Verdict
from ablate.report.warning import DataWarning
from ablate.report.wording import listed
from ablate.stats import LEAST_REPLICATES, Sides, deviation_level, least_p
from ablate.study.claims import Noise, Rate, Spread

_COLUMNS = ("claim", "effect (simultaneous 95 % interval)", "margin", "n", "n/c", "evidence")
_CSV = (
    "claim", "text", "verdict", "test", "effect", "low", "high", "unit", "margin", "level",
    "p_supported", "p_refuted", "n", "n_effect", "lost", "runs", "sd", "replicates_needed",
    "replicates_needed_at_most", "p_quality", "p_fewer_lost", "fewer_lost_a", "fewer_lost_b",
    "p_sign_flip", "p_better", "p_convergence", "look", "look_replicates", "next_look",
    *printed_other_examples.COLUMNS,
)  # fmt: skip


def print_claims(
    verdicts: Sequence[Verdict],
    declarations: int,
    warnings: Sequence[DataWarning] = (),
    reworded: bool = False,
    coverage: str = "",
) -> PrintedTable:
    """Return the claims as a table, a row each.

    declarations  as `judge` was told
    warnings whose kinds stand behind the claims that they are about
    reworded whether claims were put in other words after the first run
    coverage what intervals cover, as a sentence
    """
    rows = [_warned(verdict, warnings) for verdict in verdicts]
    others = [verdict.other_examples for verdict in verdicts]
    more = (printed_other_examples.HEADING,) if any(one and one.is_told for one in others) else ()
    if more:
        texts = map(printed_other_examples.text, others)
        rows = [(*row, Entry(text)) for row, text in zip(rows, texts, strict=True)]
    return PrintedTable(
        title="Claims declared beforehand, and their verdicts.",
        corner="verdict",
        columns=(*_COLUMNS, *more),
        rows=tuple(zip(map(outcome_text, verdicts), rows, strict=True)),
        caption=_caption(verdicts, declarations, reworded, coverage),
        is_prose=True,
    )


def outcome_text(verdict: Verdict) -> str:
    """Return the verdict in words, with what it would take where it is open."""
    return f"{verdict.outcome}; {verdict.would_tell}" if verdict.would_tell else verdict.outcome


def effect_text(verdict: Verdict) -> str:
    """Return `+2.41 points (1.02 to 3.80)`, or a dash where there is no estimate."""
    effect = verdict.evidence.effect
    if effect is None:
        return "–"
    scale, unit = _shown(verdict)
    sign = "" if isinstance(verdict.claim, Rate) else "+"
    low, high = (None if end is None else scale * end for end in (verdict.low, verdict.high))
    return with_interval(scale * effect, low, high, sign, unit)


def told(verdicts: Sequence[Verdict]) -> list[dict[str, str]]:
    """Return what the table says of each claim, by name of the column, for the index of reports."""
    names = ("text", "effect", "margin", "n", "not_converged", "evidence")
    return [
        {"claim": verdict.claim.name, "verdict": outcome_text(verdict)}
        | {name: entry.text for name, entry in zip(names, _entries(verdict), strict=True)}
        | ({"other_examples": printed_other_examples.text(one)} if one else {})
        for verdict in verdicts
        for one in [verdict.other_examples]
    ]


def claims_csv(verdicts: Sequence[Verdict]) -> str:
    """Return everything that is known of each claim, a line each."""
    lines = [
        [
            v.claim.name, v.claim.text, v.outcome, e.test, e.effect, v.low, v.high, v.unit,
            v.margin, v.level, e.p_supported, e.p_refuted, e.n, e.n_effect,
            " ".join(map(str, v.not_converged)), " ".join(map(str, v.runs)), e.sd,
            *(v.needed or (None, None)), *_part_numbers(v), v.p_flip, v.better, v.p_convergence,
            *((v.look.number, v.look.replicates, v.look.next) if v.look else (None, None, None)),
            *printed_other_examples.numbers(v.other_examples),
        ]
        for v in verdicts
        for e in [v.evidence]
    ]  # fmt: skip
    return csv_text(_CSV, lines)


def _part_numbers(verdict: Verdict) -> tuple[float | None, ...]:
    """Return the two-sided p of both parts, and in how many replicates each arm lost fewer runs."""
    parts = verdict.evidence.parts
    if parts is None:
        return None, None, None, None
    return _two_sided(parts.quality), _two_sided(parts.convergence), *parts.fewer


def _two_sided(sides: Sides) -> float:
    return min(1.0, 2 * min(sides.supports, sides.refutes))


def _shown(verdict: Verdict) -> tuple[int, str]:
    """Return what effect and margin are multiplied by to be shown, and the unit behind them."""
    return (100, "%") if verdict.unit == "share" else (1, verdict.unit)


def _entries(verdict: Verdict) -> tuple[Entry, ...]:
    e = verdict.evidence
    scale, unit = _shown(verdict)
    unit = unit.removesuffix("s") if verdict.margin == 1 else unit
    margin = f"{scale * verdict.margin:g} {unit}".strip()
    pairs = f"{e.n_effect} of {e.n}" if 0 < e.n_effect != e.n else f"{e.n}"
    texts = (verdict.claim.text, effect_text(verdict), margin, pairs, verdict.lost)
    return tuple(Entry(text) for text in (*texts, _evidence(verdict)))


def _warned(verdict: Verdict, warnings: Sequence[DataWarning]) -> tuple[Entry, ...]:
    """Return a claim's entries with the kinds of its warnings behind its text."""
    first, *others = _entries(verdict)
    kinds = [f"! {one.kind}" for one in warnings if verdict.claim.name in one.claims]
    return replace(first, note=", ".join(kinds)), *others


def _evidence(verdict: Verdict) -> str:
    """Return the test with its p and level, and where runs are n/c what each part says alone."""
    e, level, flip = verdict.evidence, verdict.level, verdict.p_flip
    if e.test == "none":
        return verdict.note.rstrip(".") or "–"
    text = f"{e.test}, {p_is(e.p)} at {level:.3g}"
    if verdict.look is not None:
        text += f", look {verdict.look.number} of {len(verdict.look.looks)}"
    if e.parts is not None:
        a, b = e.parts.fewer
        quality, convergence = (_two_sided(one) for one in (e.parts.quality, e.parts.convergence))
        means = f"means {p_is(quality)}, " if e.test == "two parts" else ""
        text += f" ({means}fewer n/c {a} : {b}, {p_is(convergence)})"
        if verdict.is_decided and e.is_of_convergence_alone:
            text += "; decided by n/c alone"
    # Random signs of n pairs cannot give less than `least_p`: beyond it they say nothing.
    asked = e.test == "paired t" and verdict.margin == 0 and least_p(e.n) <= level
    if asked and flip is not None and (flip <= level) != (e.p <= level):
        text += f"; sign flips disagree (p = {flip:.3f})"
    return text


def _caption(
    verdicts: Sequence[Verdict], declarations: int, reworded: bool, coverage: str
) -> tuple[str, ...]:
    family = f"{len(verdicts)} claim{'' if len(verdicts) == 1 else 's'}"
    level = f"{100 * deviation_level(declarations):.2g} %"
    share = ", less as it was declared anew after the first run" if declarations > 1 else ""
    together = (
        f"Intervals hold together in 95 % of such studies (each at {level}/{len(verdicts)}), so "
        "all claims but the first may be decided where theirs still reaches the margin."
        if len(verdicts) > 1
        else "The interval is two-sided."
    )
    sentences = [
        f"Judged as one family of {family} at {level} (Holm{share}): supported where the effect "
        "is shown to lie beyond the margin as expected, refuted where it is shown to lie on the "
        "other side, equal where two one-sided tests show it to lie inside ± margin. " + together,
    ]
    looks = next((v.look.looks for v in verdicts if v.look), ())
    if looks:
        sentences.append(
            f"Judged at {listed(list(map(str, looks)))} replicates, as declared, until decided: by "
            f"n replicates (n/{looks[-1]})² of the level of a claim is spent, and what is left is "
            "for later looks. Runs, p, level and interval of a claim are those of the look that "
            "decided it, or of its last."
        )
    if any(v.outcome == SMALL for v in verdicts):
        sentences.append(
            "Less than the smallest effect: the interval lies inside ± the smallest effect that "
            "the study declares."
        )
    if any(v.evidence.parts for v in verdicts):
        sentences.append(
            "Where runs are n/c an outcome has two parts: the means of pairs that converged in "
            "both arms, whose effect is shown, and in how many replicates each arm lost fewer "
            "runs. Their z values are weighed by the replicates behind them, and where the two "
            "speak for opposite verdicts nothing is decided."
        )
    if any(isinstance(v.claim, Rate) for v in verdicts):
        sentences.append(
            "Rates count replicates in which all runs do what is claimed, as runs of one replicate "
            "share their random numbers; per setting, the runs of each setting by itself."
        )
    if any(isinstance(v.claim, Noise) for v in verdicts):
        sentences.append(
            "Spread over replicates: the difference of standard deviations between replicates, by "
            "a t on jackknife pseudo-values of the runs that converged."
        )
    if any(isinstance(v.claim, Spread) for v in verdicts):
        sentences.append(
            "Spread: the variance between levels without that of single runs, by a t on jackknife "
            "pseudo-values; n/c runs count as guessing, or where nobody knows what guessing "
            "scores, by which arm lost more levels."
        )
    if any(v.outcome == "withheld" for v in verdicts):
        sentences.append(
            f"Withheld: fewer than {LEAST_REPLICATES} replicates that say something, or a quick "
            "look, decide nothing."
        )
    sentences += printed_other_examples.caption([verdict.other_examples for verdict in verdicts])
    if coverage:
        sentences.append(coverage)
    if reworded:
        sentences.append(
            "Claims were put in other words after the first run; their rules were not changed."
        )
    return tuple(sentences)
