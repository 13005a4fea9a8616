"""The report item about single test examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from ablate.errors import one_of
from ablate.study.accuracy import compared_in_headline
from ablate.study.claims import Levels, Rule
from ablate.study.items.base import Item
from ablate.study.measured import reads_data

if TYPE_CHECKING:
    from ablate.study.plan import Cell
    from ablate.study.schema import Part, Study


class Compared(NamedTuple):
    """Level `a` of a factor against `b`, at levels of others."""

    factor: str
    a: str
    b: str
    at: Rule


class ChangedExamples(Item):
    """Which test examples change sides between two levels, and how each class fares."""

    of_classes = True
    extras = ("examples",)
    compare: Mapping[str, Levels] = Field(default_factory=dict)
    """a factor and two of its levels; by default those of the first headline claim that compares
    two in test accuracy"""
    at: Mapping[str, Levels] = Field(default_factory=dict)
    """levels of other factors; what is not named is averaged"""

    def compared(self, study: Study) -> Compared | None:
        """Return what it compares; None where neither it nor a claim says so."""
        if self.compare:
            factor, (a, b) = next(iter(self.compare.items()))
            return Compared(factor, a, b, self.at)
        claim = compared_in_headline(study)
        return None if claim is None else Compared(*claim.compare, claim.at)

    def parts(self, study: Study) -> tuple[Part, ...]:
        """Return the part of the study that has the factor that is compared."""
        factor = next(iter(self.compare), None)
        if factor is None and (claim := compared_in_headline(study)) is not None:
            factor = claim.compare[0]
        return tuple(part for part in study.parts if factor in part.factors)

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse what is no comparison of two levels that have cells, and runs without answers."""
        if all(cell.config.trainer.command or not reads_data(cell.config) for cell in cells):
            yield "needs predictions, and no run keeps any"
        problem = self._malformed()
        compared = None if problem else self.compared(study)
        if problem or compared is None:
            yield problem or (
                "compares two levels, and no claim compares two in test/accuracy; write "
                "compare: {FACTOR: [A, B]}"
            )
            return
        levels = {factor.name: factor.level_names for factor in study.factors}
        named = {compared.factor: (compared.a, compared.b), **compared.at}
        for factor, names in named.items():
            option = "compare" if factor == compared.factor else "at"
            if factor not in levels:
                yield f"has {option}: {factor}, which is no factor there; there is {one_of(levels)}"
                return
            for name in names:
                if name not in levels[factor]:
                    yield (
                        f"has {option}: {factor}: {name}, which is no level of it; it has "
                        f"{one_of(levels[factor])}"
                    )
                    return
        for level in (compared.a, compared.b):
            fixed = {**compared.at, compared.factor: (level,)}
            if not any(all(c.levels.get(f) in fixed[f] for f in fixed) for c in cells):
                said = ", ".join(f"{factor}={' or '.join(at)}" for factor, at in fixed.items())
                yield f"compares cells, and none has {said}"

    def _malformed(self) -> str:
        """Say what is wrong with `compare` and `at` as they are written; empty where nothing is."""
        if not self.compare:
            return "has at without compare; at belongs to the levels compared" if self.at else ""
        pairs = list(self.compare.items())
        if len(pairs) > 1 or len({*pairs[0][1]}) != 2 or len(pairs[0][1]) != 2:
            return (
                "has a compare that is not one factor with two different levels; write compare: "
                "{FACTOR: [A, B]}"
            )
        if pairs[0][0] in self.at:
            return f"has at: {pairs[0][0]}, which compare varies"
        return ""
