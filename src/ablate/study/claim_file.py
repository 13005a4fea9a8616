"""Claims as a study file writes them, held against the study's factors and levels."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from ablate.config.base import Frozen, Line, Many, NonNegativeFloat
from ablate.config.validate import validated
from ablate.errors import ConfigError, check_known, one_of, within
from ablate.study.claims import (
    OPTIONAL,
    REPLICATES,
    RULES,
    Claim,
    Levels,
    Measured,
    Spread,
    Statement,
    form_of,
)
from ablate.study.schema import Factor, Study

_WORDS = ("greater", "less", "equal")
_WRITTEN = {
    "converges": "{converges: 90 %}",
    "diverges": "{diverges: 50 %}",
    "monotone": "{monotone: up, in: FACTOR}",
    "follows": "{follows: he_relu, within: 25 %}",
}


def _rule(value: Any) -> Any:
    """Return `greater`, `{converges: 0.9}`, ... as it is; raises ConfigError for another."""
    if value in _WORDS or (isinstance(value, Mapping) and len(RULES.keys() & value.keys()) == 1):
        return value
    allowed = one_of([*_WORDS, *_WRITTEN.values()])
    raise ConfigError(f"expect is {value}; allowed are {allowed}.")


class ClaimFile(Frozen):
    """A claim as it stands in a study file, under its name."""

    text: Line
    """What is claimed, in words."""
    expect: Annotated[
        Literal["greater", "less", "equal"] | Mapping[str, Any], BeforeValidator(_rule)
    ]
    """`greater`, `less` or `equal`, of compare's first level against its second; or a rule:
    `{converges: 90 %}` or `{diverges: 50 %}` (in more replicates than that all runs do; with `per:
    setting` in every setting more of its runs than that), `{monotone: up, in: FACTOR}` (or `down`:
    from level to level), `{follows: he_relu, within: 25 %}` (or `signal`: the theory of signals
    before training; `equal_layers`: a ratio such as `layer=1/last` is 1)."""
    compare: Mapping[str, Levels] | None = None
    """A factor and two of its levels: `{norm: [with, without]}`."""
    at: Mapping[str, Levels] = Field(default_factory=dict)
    """Levels of other factors, one or several: `{activation: relu}`. What is not named is averaged.
    A value of the tuned key asks for the runs that tuned it."""
    of: str | None = None
    """`spread over FACTOR`: how much the metric varies between its levels is compared; `spread over
    replicates`: its standard deviation between replicates."""
    interaction: Many[str] | None = None
    """Two factors, one of them compare's: how the difference changes between two levels of the
    other."""
    metric: Measured | None = None
    """Where it is not the study's: a final metric such as `test/loss` or `gap/accuracy` (training
    less test), `steps_to(validation/accuracy, 95)`, or `probe(activation/std, layer=10,
    step=0)`; `layer=1/last` is the first layer's divided by the last's."""
    margin: NonNegativeFloat | None = None
    """By how much greater or less, or within which equal: in points where the metric is shown in
    percent, else in its own unit."""
    statement: Annotated[Statement | None, WithJsonSchema(Statement.model_json_schema())] = None
    """Whose statement it tests: a lecture's or a paper's. Where runs speak against it, the page
    says so in a sentence of its own."""


def read_claims(written: Mapping[Any, Any], study: Study) -> tuple[Claim, ...]:
    """Read the `claims` of a study file; `study` is what the rest of it says.

    Raises ConfigError, naming claim, key and what is allowed, for one that no rule can decide:
    an unknown factor or level, nothing to compare, an expectation without its numbers.
    """
    known = {factor.name: factor for factor in study.factors}
    if study.tune:  # of tuning runs the tuned key is one more factor
        known[study.tune.key] = study.tune.factor
    claims = []
    for name, content in written.items():
        with within(f"claim '{name}'"):
            claims.append(_read(str(name), content, known, study))
    return tuple(claims)


def _read(name: str, value: Any, known: Mapping[str, Factor], study: Study) -> Claim:
    if not isinstance(value, Mapping):
        raise ConfigError("it must be a mapping of keys, such as text and expect.")
    written = validated(ClaimFile, value)
    fields = {key: getattr(written, key) for key in ("text", "at", "metric", "margin", "statement")}
    fields |= {"name": name, **_expectation(written.expect)}
    if written.compare is not None:
        fields["compare"] = _compared(written.compare, known)
    if written.of is not None:
        fields["spread_over"] = _spread_over(written.of, known)
    if written.interaction is not None:
        fields["interaction"] = _interaction(written, known)
    form = form_of(fields)
    if "compare" in form.model_fields and written.compare is None:
        raise ConfigError(f"expect: {written.expect} needs compare: {{FACTOR: [A, B]}}.")
    for key in ("compare", "spread_over", "interaction", "margin"):
        if fields.get(key) is not None and key not in form.model_fields:
            said = "of" if key == "spread_over" else key
            about = form.__name__.lower()
            raise ConfigError(f"{said} has no place in a claim on {about}: drop {said}.")
    claim = validated(form, fields)
    _check_names(claim, known, study)
    return claim


def _expectation(expect: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `greater`, or of `{monotone: up, in: scale}`."""
    if isinstance(expect, str):
        return {"expect": expect}
    rule = next(rule for rule in RULES if rule in expect)
    _, names = RULES[rule]
    for key in expect:
        if key not in names:
            raise ConfigError(f"expect: {rule} has no '{key}'.")
    for key in names:
        if key not in expect and key not in OPTIONAL:
            raise ConfigError(f"expect: {rule} needs {key}: write {_WRITTEN[rule]}.")
    return {"expect": rule} | {names[key]: value for key, value in expect.items()}


def _compared(pairs: Mapping[str, Sequence[str]], known: Mapping[str, Factor]) -> tuple[str, ...]:
    if len(pairs) != 1:
        raise ConfigError("compare: give one factor and two of its levels: {FACTOR: [A, B]}.")
    ((factor, levels),) = pairs.items()
    _check_levels(factor, levels, known, "compare")
    if len(levels) != 2 or levels[0] == levels[1]:
        raise ConfigError(
            f"compare: {factor} is [{', '.join(levels)}]; it must be two different levels."
        )
    return factor, *levels


def _spread_over(of: str, known: Mapping[str, Factor]) -> str:
    over = of.removeprefix("spread over ")
    allowed = [*known, REPLICATES]
    if over == of or over not in allowed:
        raise ConfigError(f"of: {of} is not known; write spread over one of {one_of(allowed)}.")
    return over


def _interaction(written: ClaimFile, known: Mapping[str, Factor]) -> tuple[str, ...]:
    """Return the second factor and its two levels, whose difference of differences is judged."""
    names, first = written.interaction or (), next(iter(written.compare or {}), "")
    if len({*names}) != 2 or len(names) != 2 or first not in names or not {*names} <= known.keys():
        raise ConfigError(
            f"interaction is {list(names)}; it must be two factors, one of them that of compare."
        )
    second = next(name for name in names if name != first)
    chosen = written.at.get(second, known[second].level_names)
    if len(chosen) != 2:
        raise ConfigError(
            f"interaction needs two levels of {second}; name them in at: {{{second}: [A, B]}}."
        )
    return second, *chosen


def _check_names(claim: Claim, known: Mapping[str, Factor], study: Study) -> None:
    """Raise ConfigError where a claim speaks of what is not there, or fixes what it varies."""
    for factor in sorted(claim.factors):
        _check_levels(factor, claim.at.get(factor, ()), known, "at" if factor in claim.at else "in")
    for factor in sorted(claim.varied & set(claim.at)):
        raise ConfigError(f"at fixes {factor}, which the claim varies.")
    if isinstance(claim, Spread) and claim.spread_over == claim.compare[0]:
        raise ConfigError(f"of: spread over {claim.spread_over}, which compare fixes.")
    study.part_of(claim)


def _check_levels(
    factor: str, levels: Sequence[str], known: Mapping[str, Factor], where: str
) -> None:
    check_known(factor, known, f"{where}: '{factor}' is no factor; the study's are")
    known[factor].check_levels(levels, where)
