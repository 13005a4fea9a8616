"""What every report item has: options that name factors, a part, and what it cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from ablate.config.base import Frozen
from ablate.errors import nearest, one_of
from ablate.metrics import CLASSIFICATION
from ablate.study.claims import Rule
from ablate.study.measured import curves, is_probed, measured, reported

if TYPE_CHECKING:
    from ablate.study.plan import Cell
    from ablate.study.schema import Factor, Part, Study

#: Among the curves of an item: the score that the study's task watches on validation.
WATCHED = "watched"
#: Marks an option that names a factor of the study.
_ROLE = "factor"
Role = Annotated[str | None, _ROLE]


class Item(Frozen):
    """One table or figure of the report, with its options.

    Its kind is the name of its class: `contact_sheet` of `ContactSheet`.
    """

    kind: ClassVar[str]
    #: Frames and files that a report has only where an item asks for them.
    extras: ClassVar[tuple[str, ...]] = ()
    #: What it cannot do without: a second factor, curves of training, the probe, classes.
    takes_two: ClassVar[bool] = False
    shows_curves: ClassVar[tuple[str, ...]] = ()
    of_classes: ClassVar[bool] = False
    shows_probe: ClassVar[bool] = False
    #: Whether it says by a test, or by the interval of a difference, what differs: to add one of
    #: these after the first run is one more look at the data.
    carries_tests: ClassVar[bool] = False
    #: Whether of its curves it shows those of replicate 0 alone.
    shows_first_replicate: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.kind = re.sub(r"\B(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def roles(cls) -> tuple[str, ...]:
        """Return the options that name a factor."""
        return tuple(name for name, field in cls.model_fields.items() if _ROLE in field.metadata)

    def named(self) -> dict[str, str]:
        """Return the factors that the item names, by role."""
        found = {role: getattr(self, role) for role in self.roles()}
        return {role: name for role, name in found.items() if name is not None}

    def parts(self, study: Study) -> tuple[Part, ...]:
        """Return the parts of the study that it is about in turn; none: about all of it."""
        return ()

    def refusal(self, study: Study, cells: Sequence[Cell]) -> str | None:
        """Return why these cells cannot give the item, in words that follow its name, or None.

        study  of one part, unless the item is about the whole study
        """
        factors = [factor.name for factor in study.factors]
        named = self.named()
        for name in named.values():
            roles = [role for role, other in named.items() if other == name]
            if len(roles) > 1:
                return f"has {name} both as {' and '.join(roles)}"
        for name in (*named.values(), *self.kept()):
            if name not in factors:
                return f"names {name}, which is no factor there; there is {one_of(factors)}"
        if self.takes_two and len(factors) < 2:
            return f"needs two factors, and there is one, {factors[0]}"
        if self.shows_probe and all(is_probed(cell.config) is False for cell in cells):
            return f"needs the probe, and no run has one: {_how_probed(cells)}"
        known = reported(curves(cell.config, study.task) for cell in cells)
        if self.of_classes and study.task != CLASSIFICATION:
            return f"is of classifiers, and what these runs predict is {study.task}"
        for shown in self.shows_curves:
            curve = study.metric.watched if shown == WATCHED else shown
            if known is not None and curve not in known:
                return f"shows {curve} over training, which no run has"
        return next(self.lacks(study, cells), None)

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Yield what else keeps these cells from giving it: for kinds that need more."""
        yield from ()

    def kept(self) -> Rule:
        """Return the levels that are shown, by factor, where not all are."""
        return {}

    def recorded(self) -> tuple[str, ...]:
        """Return the settings of the probe that are true in all runs where a study shows it."""
        return ("histograms",) if self.histograms() else ()

    def histograms(self) -> tuple[tuple[str, str], ...]:
        """Return the histograms that it shows: a quantity of the probe, and first or last step.

        The frames beside a report have no others.
        """
        return ()

    def statistics(self) -> tuple[str, ...]:
        """Return the statistics of the probe that it reads beside std, zero, dead and saturated.

        The frames beside a report have no others.
        """
        return ()

    def role(self, role: str, study: Study) -> Factor:
        """Return the factor that the item names for a role, by default the first."""
        name = self.named().get(role)
        return study.factor(name) if name else study.factors[0]


def _how_probed(cells: Sequence[Cell]) -> str:
    """Return what makes one of these cells be probed."""
    if all(cell.config.trainer.command is not None for cell in cells):
        return "a command has none, a function that takes run may"
    return "set probe.steps to ends or log"


class OfPart(Item):
    """An item about one part of the study, or about each in turn."""

    part: str | None = None
    """the part it is about, by name; by default that of the factors it names, else every part"""

    def parts(self, study: Study) -> tuple[Part, ...]:
        """Return the part it says, those of the factors it names, or all."""
        if self.part is not None:
            return tuple(part for part in study.parts if part.name == self.part)
        named = {*self.named().values(), *self.kept()}
        return tuple(p for p in study.parts if named & set(p.factors)) or study.parts


class OfSettings(OfPart):
    """A figure drawn once for every setting of the factors that play no role in it."""

    only: Rule = Field(default_factory=dict)
    """levels that are shown, by factor; by default all"""

    def kept(self) -> Rule:
        """Return `only`."""
        return self.only


class OfQuantity(OfSettings):
    """A figure of the study's metric, or of another quantity of the same runs."""

    metric: str | None = None
    """another final metric, such as weights/norm"""
    probe: Literal["zero", "dead", "saturated", "mean", "std", "rms"] | None = None
    """a statistic of the activations at the last probed step, averaged over hidden layers"""

    def statistics(self) -> tuple[str, ...]:
        """Return `probe`."""
        return (self.probe,) if self.probe else ()

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse a quantity that no run has."""
        if self.probe is not None and all(is_probed(cell.config) is False for cell in cells):
            yield f"has probe: {self.probe}, and no run has a probe: {_how_probed(cells)}"
        known = reported(measured(cell.config, study.task) for cell in cells)
        if self.metric is not None and known is not None and self.metric not in known:
            yield (
                f"has metric: {self.metric}, which no run reports; they report "
                f"{one_of(sorted(known))}.{nearest(self.metric, known)}".removesuffix(".")
            )
