"""Claims: statements with a mechanical rule, read from a study file before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.config.validate import validated
from ablate.errors import ConfigError, nearest, one_of
from ablate.study.factors import level_name, named_levels
from ablate.study.schema import ABSENT, REPLICATES, Claim, Factor, Part, Study

_KEYS = ("text", "compare", "at", "of", "interaction", "metric", "expect", "margin", "source")
_WORDS = ("greater", "less", "equal")
_RULES = ("converges", "diverges", "monotone", "follows")
_METRIC = re.compile(
    r"[\w.]+(/[\w.]+)?|steps_to\([\w/]+, *[-\d.eE]+\)"
    r"|probe\(\w+/\w+, *layer *= *(\d+|last)(, *step *= *(\d+|last))?\)"
)
_SPREAD = re.compile(r"spread over (.+)")


def read_claims(value: Any, study: Study, where: str) -> list[Claim]:
    """Read the `claims` of a study file; `study` is what the rest of it says.

    Raises ConfigError, naming claim, key and what is allowed, for one that no rule can decide:
    an unknown factor or level, nothing to compare, an expectation without its numbers.
    """
    parts, factors = study.all_parts, study.factors
    if study.tune:  # of tuning runs the tuned key is one more factor
        factors = (*factors, study.tune.factor)
        parts = tuple(
            part.model_copy(update={"factors": (*part.factors, study.tune.key)}) for part in parts
        )
    return [
        _read(str(name), content, factors, parts, f"{where}: claim '{name}'")
        for name, content in mapping(value, f"{where}: claims").items()
    ]


def _read(
    name: str, value: Any, factors: Sequence[Factor], parts: Sequence[Part], where: str
) -> Claim:
    content = mapping(value, where)
    for key in content:
        if key not in _KEYS:
            raise ConfigError(
                f"{where}: unknown key '{key}'; a claim has {one_of(_KEYS)}.{nearest(key, _KEYS)}"
            )
    for key in ("text", "expect"):
        if key not in content:
            raise ConfigError(f"{where}: '{key}' is missing.")
    known = {factor.name: factor for factor in factors}
    fields: dict[str, Any] = {key: content[key] for key in ("text", "margin") if key in content}
    fields |= {"name": name, "metric": content.get("metric")}
    if fields["metric"] is not None and not _METRIC.fullmatch(str(fields["metric"])):
        raise ConfigError(
            f"{where}: metric '{fields['metric']}' is not known; write a final metric such as "
            "test/loss, steps_to(validation/accuracy, 95) or "
            "probe(activation/std, layer=2, step=0)."
        )
    fields |= _expectation(content["expect"], known, where)
    fields["at"] = {
        factor: _levels(factor, levels, known, f"{where}: at")
        for factor, levels in mapping(content.get("at", {}), f"{where}: at").items()
    }
    if "of" in content:
        over = _SPREAD.fullmatch(str(content["of"]))
        allowed = [*known, REPLICATES]
        if over is None or over[1] not in allowed:
            raise ConfigError(
                f"{where}: of: {content['of']} is not known; write spread over one of "
                f"{one_of(allowed)}."
            )
        fields["spread_over"] = over[1]
    comparing = fields["expect"] in _WORDS
    if comparing != ("compare" in content):
        need = "needs compare: {FACTOR: [A, B]}" if comparing else "compares nothing: drop compare"
        raise ConfigError(f"{where}: expect: {fields['expect']} {need}.")
    if comparing:
        fields["compare"] = _pair(content["compare"], known, f"{where}: compare")
    if "interaction" in content:
        fields["interaction"] = _interaction(content, fields, known, where)
    _check_together(fields, parts, where)
    return validated(Claim, fields, where)


def _expectation(value: Any, known: Mapping[str, Factor], where: str) -> dict[str, Any]:
    """Read `greater`, `{converges: 0.9}`, `{monotone: up, in: scale}` or `{follows: ...}`."""
    if isinstance(value, str) and value in _WORDS:
        return {"expect": value}
    options = dict(value) if isinstance(value, Mapping) else {}
    rules = [key for key in options if key in _RULES]
    if len(rules) != 1:
        forms = "{converges: rate}, {diverges: rate}, {monotone: up, in: FACTOR}"
        raise ConfigError(
            f"{where}: expect is {value}; allowed are {', '.join(_WORDS)}, {forms} or "
            "{follows: theory, within: 25 %}."
        )
    rule = rules[0]
    fields: dict[str, Any] = {"expect": rule}
    if rule in ("converges", "diverges"):
        fields["rate"] = _share(options.pop(rule), f"{where}: expect: {rule}")
    elif rule == "monotone":
        fields["direction"] = options.pop(rule)
        factor = options.pop("in", None)
        if factor not in known:
            raise ConfigError(f"{where}: expect: monotone needs in: one of {one_of(known)}.")
        fields["over"] = factor
    else:
        fields["follows"] = options.pop(rule)
        fields["within"] = _share(options.pop("within", None), f"{where}: expect: within")
    if options:
        raise ConfigError(f"{where}: expect: {rule} has no '{next(iter(options))}'.")
    return fields


def _share(value: Any, where: str) -> float:
    """Return `0.25`, or `25 %` as it is written."""
    text = str(value).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if isinstance(value, bool) or not 0 < share <= 1:
        raise ConfigError(f"{where} is {value}; it must be a share such as 0.25 or 25 %.")
    return share


def _levels(factor: str, value: Any, known: Mapping[str, Factor], where: str) -> tuple[str, ...]:
    if factor not in known:
        raise ConfigError(
            f"{where}: '{factor}' is no factor; the study's are {one_of(known)}."
            f"{nearest(str(factor), known)}"
        )
    names = [level.name for level in known[factor].levels if level.name != ABSENT]
    for name in named_levels(value):
        if name not in names:
            raise ConfigError(
                f"{where}: {factor} has no level '{name}'; it has {one_of(names)}."
                f"{nearest(name, names)}"
            )
    return named_levels(value)


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return `value`; raises ConfigError unless it is a mapping."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys, not {level_name(value)}.")
    return value


def _pair(value: Any, known: Mapping[str, Factor], where: str) -> tuple[str, str, str]:
    pairs = mapping(value, where)
    if len(pairs) != 1:
        raise ConfigError(f"{where}: give one factor and two of its levels: {{FACTOR: [A, B]}}.")
    ((factor, levels),) = pairs.items()
    names = _levels(factor, levels, known, where)
    if len(names) != 2 or names[0] == names[1]:
        shown = ", ".join(level_name(name) for name in names)
        raise ConfigError(f"{where}: {factor} is [{shown}]; it must be two different levels.")
    return factor, names[0], names[1]


def _interaction(
    content: Mapping[str, Any],
    fields: Mapping[str, Any],
    known: Mapping[str, Factor],
    where: str,
) -> tuple[str, str, str]:
    """Return the second factor and its two levels, whose difference of differences is judged."""
    names = content["interaction"]
    first = fields.get("compare", ("",))[0]
    if not (isinstance(names, list) and len(names) == 2 and first in names
            and all(name in known for name in names) and names[0] != names[1]):  # fmt: skip
        raise ConfigError(
            f"{where}: interaction is {names}; it must be two factors, one of them that of compare."
        )
    second = next(name for name in names if name != first)
    levels = [level.name for level in known[second].levels if level.name != ABSENT]
    chosen = fields["at"].get(second, tuple(levels))
    if len(chosen) != 2:
        raise ConfigError(
            f"{where}: interaction needs two levels of {second}; name them in at: "
            f"{{{second}: [A, B]}}."
        )
    return second, chosen[0], chosen[1]


def _check_together(fields: Mapping[str, Any], parts: Sequence[Part], where: str) -> None:
    """Raise ConfigError where a claim speaks of factors of two parts, or fixes what it varies."""
    compared = fields.get("compare", ("",))[0]
    varied = {compared, fields.get("spread_over"), fields.get("over")} - {"", None, REPLICATES}
    for name in varied & set(fields["at"]):
        raise ConfigError(f"{where}: at fixes {name}, which the claim varies.")
    spoken_of = varied | set(fields["at"])
    if fields.get("spread_over") == compared:
        raise ConfigError(f"{where}: of: spread over {compared}, which compare fixes.")
    if not any(spoken_of <= set(part.factors) for part in parts):
        raise ConfigError(
            f"{where}: {', '.join(sorted(spoken_of))} are factors of different parts."
        )
