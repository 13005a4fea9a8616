"""Designs: which combinations of levels become cells. Pure functions of factors."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from ablate.errors import ConfigError
from ablate.study.claims import Rule
from ablate.study.schema import ABSENT, Factor, Level, Part, Study

#: The level of each factor, by the factor's name.
Combination = Mapping[str, Level]


def combinations(study: Study, part: Part, most_runs: int) -> list[Combination]:
    """Return every cell of a part in order, the last factor fastest; exclusions are left out.

    Raises ConfigError where they would make more runs than `most_runs`, where factors that are
    zipped differ in length, or nothing is left.
    """
    factors = [study.factor(name) for name in part.factors]
    check = partial(check_runs, study, most_runs=most_runs)
    cells: Iterable[Combination]
    match part.design:
        case "one_at_a_time":
            cells = _one_at_a_time(factors)
        case "zip":
            cells = _zip(part, factors)
        case "random":
            cells = _rows(part, factors)
        case _:  # a ladder and its like are grids of one factor
            cells = _grid(factors, check)
    cells = list(cells)
    check(len(cells))
    kept = [cell for cell in cells if not any(_speaks_of(rule, cell) for rule in part.exclude)]
    if not kept:
        raise ConfigError(f"study {study.name}: exclude leaves no cell{part.where}.")
    return kept


def check_runs(
    study: Study, cells: int, most_runs: int, members: int = 1, whole: int | None = None
) -> None:
    """Raise ConfigError where so many cells, and members of each, make more runs than allowed.

    Of a design this is asked before it is expanded, so that no request waits to be too large;
    whole  about how many cells it would have then
    """
    tune = study.tune
    tuning = len(tune.values) * study.tuning_replicates if tune else 0
    of_cell = study.replicates * members + tuning
    if cells * of_cell > most_runs:
        cells = whole or cells
        size = f"{cells} cell{'s' if cells > 1 else ''} × {study.replicates} replicates"
        size += f" × {members} members" if members > 1 else ""
        size += f" + {cells * tuning} tuning runs" if tuning else ""
        raise ConfigError(
            f"study {study.name}: {size} are {cells * of_cell} runs, and at most {most_runs} are "
            f"allowed; where so many are meant, say launch.most_runs={cells * of_cell}."
        )


def _speaks_of(rule: Rule, cell: Combination) -> bool:
    """Tell whether all the factors that a rule names are at its levels."""
    return all(cell[name].name in levels for name, levels in rule.items())


def _grid(factors: Sequence[Factor], check: Callable[..., None]) -> list[Combination]:
    cells: list[Combination] = [{}]
    for place, factor in enumerate(factors, 1):
        count = sum(len(_levels_beside(cell, factor)) for cell in cells)
        check(count, whole=count * math.prod(len(later.level_names) for later in factors[place:]))
        cells = [{**c, factor.name: level} for c in cells for level in _levels_beside(c, factor)]
    return cells


def _levels_beside(cell: Combination, factor: Factor) -> list[Level]:
    """Return the levels that a factor has beside those of earlier ones: `ABSENT` or its own."""
    if not _speaks_of(factor.when, cell):
        return [Level(name=ABSENT, overrides={})]
    return [level for level in factor.levels if level.name != ABSENT]


def _one_at_a_time(factors: Sequence[Factor]) -> Iterator[Combination]:
    """Yield every factor at its first level, then each factor at each of its others."""
    reference = {factor.name: factor.levels[0] for factor in factors}
    yield reference
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
