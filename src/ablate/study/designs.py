"""Designs: which combinations of levels become cells. Pure functions of factors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from ablate.errors import ConfigError
from ablate.study.schema import ABSENT, Factor, Level, Part, Study

#: The level of each factor, by the factor's name.
Combination = dict[str, Level]


def combinations(study: Study) -> Iterator[tuple[Part, Combination]]:
    """Yield every cell of every part in order, the last factor fastest; exclusions are left out.

    Raises ConfigError where factors that are zipped differ in length, or nothing is left.
    """
    for part in study.all_parts:
        factors = [study.factor(name) for name in part.factors]
        kept = [c for c in _combined(part, factors) if not is_excluded(c, part.exclude)]
        if not kept:
            raise ConfigError(f"study {study.name}: exclude leaves no cell{part.where}.")
        for combination in kept:
            yield part, combination


def is_excluded(combination: Combination, exclude: Sequence[Mapping[str, tuple[str, ...]]]) -> bool:
    """Tell whether a rule speaks of the cell: all the factors that it names are at its levels."""
    return any(
        all(combination[name].name in levels for name, levels in rule.items()) for rule in exclude
    )


def _combined(part: Part, factors: Sequence[Factor]) -> Iterator[Combination]:
    match part.design:
        case "one_at_a_time":
            return _one_at_a_time(factors)
        case "zip":
            return _zip(part, factors)
        case "random":
            return _rows(part, factors)
        case _:  # a ladder and its like are grids of one factor
            return _grid(factors)


def _grid(factors: Sequence[Factor]) -> Iterator[Combination]:
    seen: set[tuple[int | None, ...]] = set()
    declared = [[level for level in f.levels if level.name != ABSENT] for f in factors]
    for places in itertools.product(*(range(len(levels)) for levels in declared)):
        chosen = {f.name: d[i] for f, d, i in zip(factors, declared, places, strict=True)}
        combination = _conditioned(chosen, factors)
        # Where a factor is absent its levels all come to the same. By place, not by name: two
        # levels of one name are a slip to be told of, and not to be passed over.
        there = [combination[f.name].name != ABSENT for f in factors]
        same = tuple(i if exists else None for i, exists in zip(places, there, strict=True))
        if same not in seen:
            seen.add(same)
            yield combination


def _one_at_a_time(factors: Sequence[Factor]) -> Iterator[Combination]:
    """Yield every factor at its first level, then each factor at each of its others."""
    reference = {factor.name: factor.levels[0] for factor in factors}
    yield dict(reference)
    for factor in factors:
        for level in factor.levels[1:]:
            yield reference | {factor.name: level}


def _zip(part: Part, factors: Sequence[Factor]) -> Iterator[Combination]:
    lengths = {factor.name: len(factor.levels) for factor in factors}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ConfigError(f"design zip needs factors of as many levels{part.where}; {counts}.")
    for levels in zip(*(factor.levels for factor in factors), strict=True):
        yield dict(zip(lengths, levels, strict=True))


def _rows(part: Part, factors: Sequence[Factor]) -> Iterator[Combination]:
    levels = [{level.name: level for level in factor.levels} for factor in factors]
    for row in part.rows:
        try:
            cell = [known[name] for known, name in zip(levels, row, strict=True)]
        except KeyError as error:
            raise ConfigError(
                f"design random has drawn level {error}{part.where}, which the command line has "
                "replaced; change the design in the study file instead."
            ) from None
        yield dict(zip(part.factors, cell, strict=True))


def _conditioned(combination: Combination, factors: Sequence[Factor]) -> Combination:
    """Put `ABSENT` in the place of factors that do not exist beside the other levels."""
    result: Combination = {}
    for factor in factors:
        exists = all(result[name].name in levels for name, levels in factor.when.items())
        absent = Level(name=ABSENT, overrides={})
        result[factor.name] = combination[factor.name] if exists else absent
    return result
