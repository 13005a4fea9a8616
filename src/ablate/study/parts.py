"""Reading designs: factors or components, how they combine, and the parts of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ablate.config.groups import Groups, layered
from ablate.errors import ConfigError, nearest, one_of
from ablate.study.factors import (
    check_overrides,
    level_name,
    listed,
    mapping,
    named_levels,
    read_factor,
    read_level,
    settings,
)
from ablate.study.sampling import draw
from ablate.study.schema import ABSENT, DESIGNS, Factor, Level, Part

DESIGN_KEYS = ("design", "factors", "components", "exclude")
_PART_KEYS = ("name", "label", "baseline", *DESIGN_KEYS)
#: Designs of components, which are read as a factor of that name where the study is in one part.
_OF_COMPONENTS = ("ladder", "leave_one_out")
_COMPONENT = "component"
_LABELS = {
    "ladder": "components so far",
    "leave_one_out": "component left out",
}
_OPTIONS = {"random": ("kind", "cells", "seed"), "ladder": ("kind", "first")}


def own_settings(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what levels, components and parts set, as far as it has the form of a mapping."""
    for part in [content, *_parts_of(content)]:
        if not isinstance(part, Mapping):
            continue
        yield from settings(part["factors"]) if isinstance(part.get("factors"), Mapping) else ()
        components = part.get("components")
        values = [part.get("baseline")]
        values += components.values() if isinstance(components, Mapping) else []
        yield from (value for value in values if isinstance(value, Mapping))


def read_design(content: Mapping[str, Any], groups: Groups, where: str) -> dict[str, Any]:
    """Return the fields `factors` and, where they are not the default, design, exclude, parts.

    Raises ConfigError for what is no design, and for a factor of two parts.
    """
    if "parts" not in content:
        part, factors = _read_part(content, "", groups, where)
        if part.baseline or part.rows:
            return {"factors": factors, "parts": [part]}
        return {"factors": factors, "design": part.design, "exclude": part.exclude}
    for key in DESIGN_KEYS:
        if key in content:
            raise ConfigError(f"{where}: {key} stands beside parts; put it into one of them.")
    parts: list[Part] = []
    everything: dict[str, Factor] = {}
    for value in listed(content["parts"], f"{where}: parts"):
        fields = mapping(value, f"{where}: parts")
        for key in fields:
            if key not in _PART_KEYS:
                raise ConfigError(
                    f"{where}: unknown key '{key}'; a part has {one_of(_PART_KEYS)}."
                    f"{nearest(str(key), _PART_KEYS)}"
                )
        name = fields.get("name")
        if not isinstance(name, str) or not name or name in [part.name for part in parts]:
            raise ConfigError(f"{where}: every part needs a name of its own; this one has {name}.")
        part, factors = _read_part(fields, name, groups, f"{where}: part '{name}'")
        for factor in factors:
            if factor.name in everything:
                raise ConfigError(
                    f"{where}: factor '{factor.name}' is in two parts; give it another name in "
                    "one of them, with its config key as key."
                )
            everything[factor.name] = factor
        parts.append(part)
    return {"factors": list(everything.values()), "parts": parts}


def _read_part(
    content: Mapping[str, Any], name: str, groups: Groups, where: str
) -> tuple[Part, list[Factor]]:
    kind, options = _kind(content.get("design", "grid"), where)
    baseline = mapping(content.get("baseline", {}), where) if name else {}
    check_overrides(baseline, groups, f"{where}: baseline")
    rows: list[tuple[str, ...]] = []
    if kind in _OF_COMPONENTS:
        if "factors" in content:
            raise ConfigError(f"{where}: design {kind} has components, not factors.")
        label = content.get("label", _LABELS[kind])
        factors = [_components(content, kind, options, name or _COMPONENT, label, groups, where)]
    else:
        if "components" in content:
            raise ConfigError(f"{where}: design {kind} has factors, not components.")
        if "factors" not in content:
            raise ConfigError(f"{where}: 'factors' is missing.")
        declared = mapping(content["factors"], f"{where}: factors")
        if not declared:
            raise ConfigError(f"{where}: factors is empty; name at least one config key to vary.")
        if kind == "random":
            factors, rows = _drawn(declared, options, groups, where)
        else:
            factors = [
                read_factor(factor, value, groups, f"{where}: factor '{factor}'")
                for factor, value in declared.items()
            ]
    _check_when(factors, kind, where)
    names = tuple(factor.name for factor in factors)
    exclude = tuple(_rule(rule, factors, where) for rule in content.get("exclude", ()))
    part = Part(
        name=name, design=kind, factors=names, exclude=exclude, baseline=baseline, rows=tuple(rows)
    )
    return part, factors


def _kind(value: Any, where: str) -> tuple[Any, Mapping[str, Any]]:
    options = value if isinstance(value, Mapping) else {"kind": value}
    kind = options.get("kind")
    if kind not in DESIGNS:
        raise ConfigError(
            f"{where}: design '{kind}' is not known; allowed are {one_of(DESIGNS)}."
            f"{nearest(str(kind), DESIGNS)}"
        )
    allowed = _OPTIONS.get(kind, ("kind",))
    for option in options:
        if option not in allowed:
            has = one_of(allowed[1:]) if allowed[1:] else "no options"
            raise ConfigError(f"{where}: design {kind} has no '{option}'; it has {has}.")
    return kind, options


def _components(
    content: Mapping[str, Any],
    kind: str,
    options: Mapping[str, Any],
    name: str,
    label: str,
    groups: Groups,
    where: str,
) -> Factor:
    """Return the factor of a ladder (each component added) or of a system less one component."""
    components = mapping(content.get("components", {}), f"{where}: components")
    if not components:
        raise ConfigError(f"{where}: components is missing or empty; say what makes each of them.")
    first = "full" if kind == "leave_one_out" else str(options.get("first", "baseline"))
    levels = [Level(name=first, overrides={})]
    sum_of_all: dict[str, Any] = {}
    for component, value in components.items():
        here = f"{where}: component '{level_name(component)}'"
        if not isinstance(component, str):
            raise ConfigError(f"{here}: the name is not a text; put it in quotes.")
        overrides = mapping(value, here)
        sum_of_all = layered([sum_of_all, overrides], groups)
        if kind == "ladder":
            levels.append(read_level(f"+ {component}", dict(sum_of_all), groups, here))
        else:
            levels.append(read_level(f"without {component}", overrides, groups, here))
    return Factor(name=name, label=label, levels=tuple(levels))


def _drawn(
    declared: Mapping[str, Any], options: Mapping[str, Any], groups: Groups, where: str
) -> tuple[list[Factor], list[tuple[str, ...]]]:
    """Return factors with the levels that were drawn, and the cells as rows of level names."""
    cells, seed = options.get("cells"), options.get("seed", 0)
    if isinstance(cells, bool) or not isinstance(cells, int) or cells < 1:
        raise ConfigError(f"{where}: design random needs cells, a whole number; it is {cells}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"{where}: design random: seed is {seed}; it must be a whole number.")
    factors, columns = [], []
    for name, value in declared.items():
        here = f"{where}: factor '{name}'"
        spec = dict(value) if isinstance(value, Mapping) else {"levels": value}
        if "distribution" not in spec:
            factor = read_factor(name, spec, groups, here)
            places = draw(name, {"levels": factor.levels}, cells, seed, here)
            columns.append([factor.levels[place].name for place in places])
        else:
            values = draw(name, spec, cells, seed, here)
            rest = {k: v for k, v in spec.items() if k not in ("distribution", "low", "high")}
            rest = {"axis": "log" if spec["distribution"] == "loguniform" else "linear", **rest}
            factor = read_factor(name, {**rest, "levels": sorted(set(values))}, groups, here)
            columns.append([level_name(value) for value in values])
        factors.append(factor)
    # Few choices may be drawn twice; a cell is one all the same.
    return factors, list(dict.fromkeys(zip(*columns, strict=True)))


def _check_when(factors: list[Factor], kind: str, where: str) -> None:
    """Raise ConfigError where a condition speaks of no earlier factor, or of none of its levels."""
    earlier: dict[str, Factor] = {}
    for factor in factors:
        if factor.when and kind != "grid":
            raise ConfigError(f"{where}: factor '{factor.name}' has when, which needs design grid.")
        _check_levels(factor.when, earlier, f"{where}: factor '{factor.name}': when")
        earlier[factor.name] = factor


def _rule(value: Any, factors: list[Factor], where: str) -> dict[str, tuple[str, ...]]:
    here = f"{where}: exclude"
    rule = {name: named_levels(levels) for name, levels in mapping(value, here).items()}
    if not rule:
        raise ConfigError(f"{here}: a rule is empty, and would leave out everything.")
    _check_levels(rule, {factor.name: factor for factor in factors}, here)
    return rule


def _check_levels(
    rule: Mapping[str, tuple[str, ...]], factors: Mapping[str, Factor], where: str
) -> None:
    for name, levels in rule.items():
        if name not in factors:
            known = f"; there are {one_of(factors)}" if factors else ""
            raise ConfigError(f"{where}: '{name}' is no factor before this one{known}.")
        allowed = [level.name for level in factors[name].levels if level.name != ABSENT]
        for level in levels:
            if level not in allowed:
                raise ConfigError(
                    f"{where}: {name} has no level '{level}'; it has {one_of(allowed)}."
                    f"{nearest(level, allowed)}"
                )


def _parts_of(content: Mapping[str, Any]) -> list[Any]:
    parts = content.get("parts", [])
    return list(parts) if isinstance(parts, list | tuple) else []
