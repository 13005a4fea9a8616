"""Every kind of report item: its options, and what it needs of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ablate.config.target import Target
from ablate.errors import one_of
from ablate.metrics import TRAIN_ACCURACY
from ablate.study.items.base import WATCHED, Item, OfPart, OfQuantity, OfSettings, Role
from ablate.study.items.examples import ChangedExamples
from ablate.study.items.probed import (
    ActivationDistribution,
    ActivationsOverTraining,
    GradientDistribution,
    InputPixels,
    SignalByLayer,
    WeightDistribution,
    WeightGradientDistribution,
)
from ablate.study.measured import curves, reads_data, reported
from ablate.study.published import published_names, published_table

if TYPE_CHECKING:
    from ablate.study.plan import Cell
    from ablate.study.schema import Study


class Table(OfPart):
    """The metric in each cell, with its interval, the best and what is not shown worse."""

    carries_tests = True
    rows: Role = None
    """the factor down; by default the first"""
    columns: Role = None
    """the factor across; by default the next; every setting of the others is a table"""


class Published(OfPart):
    """The published table of initializations beside ours, and which of its orderings hold here."""

    carries_tests = True
    table: str = "mishkin2016"
    """the name of a published table"""
    rows: Role = None
    columns: Role = None
    names: Mapping[str, str] = Field(default_factory=dict)
    """the published name of a level, where it has another"""

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse what cannot be set beside the published table."""
        table = published_table(self.table)
        if table is None:
            yield f"has table: {self.table}, which is none; there is {one_of(published_names())}"
            return
        if not study.metric.is_percent:
            yield f"compares accuracies, and the study's metric is {study.metric.name}"
        published = (*table.rows, *table.columns)
        for level, name in self.names.items():
            if name not in published:
                yield (
                    f"has names: {level}: {name}, which is not in the published table; it has "
                    f"{one_of(published)}"
                )
        axes = table.axes(study, self.rows, self.columns, self.names)
        wanted = (("rows", table.rows, 2), ("columns", table.columns, 1))
        for (factor, matched), (axis, names, least) in zip(axes, wanted, strict=True):
            if len(matched) < least:
                yield (
                    f"finds too few levels of {factor.name} among the {axis} of the published "
                    f"table; give their names under 'names', each one of {one_of(names)}"
                )
            if len(set(matched.values())) < len(matched):
                yield f"has two levels of {factor.name} with one name in the published table"


class ComparedToBase(OfPart):
    """What two costly things buy, alone and together, against having neither."""

    carries_tests = True
    rows: Role = None
    columns: Role = None
    takes_two = True

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse more than two factors, and runs that do not say what they cost."""
        if len(study.factors) > 2:
            yield f"is about two factors, and there are {len(study.factors)}"
        if any(cell.config.trainer.is_user_code for cell in cells):
            yield "needs multiply-adds, which no training procedure of the user's own reports"


class EffectAgainstCost(OfSettings):
    """What each cell gains over the base and what it costs, and which are the best buys."""

    x: Role = None
    """the factor whose levels are joined and named; by default one on a numeric axis"""
    lines: Role = None
    cost: Literal["multiply_adds", "parameters"] = "multiply_adds"
    """what a prediction costs, with all its members and views, or how large the network is"""

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse runs that do not say what they cost."""
        if any(cell.config.trainer.is_user_code for cell in cells):
            yield f"needs {self.cost}, which no training procedure of the user's own reports"


class LearningCurves(OfSettings):
    """Training loss, and accuracy or its like on validation, over steps."""

    shows_curves = (WATCHED,)
    lines: Role = None
    rows: Role = None


class FactorResponse(OfQuantity):
    """The metric over the levels of a factor, a line per level of another."""

    x: Role = None
    lines: Role = None


class Heatmap(OfSettings):
    """The mean of the metric in each cell of two factors."""

    takes_two = True
    rows: Role = None
    columns: Role = None


class LearningRateSensitivity(OfSettings):
    """The metric over the values that were tuned, or over the learning rates of a factor."""

    lines: Role = None
    panels: Role = None

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse a study in which nothing is tuned and the learning rate is not varied."""
        if study.tune is None and not any(f.sets("optimizer.lr") for f in study.factors):
            yield "needs tune, or a factor all of whose levels set optimizer.lr"


class EnsembleCurve(OfSettings):
    """Brier score and error over the number of members, and the law of averages."""

    of_classes = True
    x: Role = None
    lines: Role = None

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse an x that is not the number of members."""
        free = [factor for factor in study.factors if factor.name != self.lines]
        # As figures choose: a numeric axis first, then the factor of most levels.
        first = min(free, key=lambda one: (one.axis == "category", -len(one.levels)), default=None)
        x = study.factor(self.x) if self.x else first
        if x is None or not x.sets("ensemble.size"):
            yield "needs a factor whose levels set ensemble.size; name it as its x"


class ReliabilityDiagram(OfSettings):
    """Accuracy against confidence."""

    of_classes = True
    extras = ("calibration",)
    lines: Role = None

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse runs that keep no predictions."""
        if all(cell.config.trainer.command or not reads_data(cell.config) for cell in cells):
            yield "needs predictions, and no run keeps any"


class ScheduleCurves(OfSettings):
    """Learning rate, training loss, and accuracy or its like on validation, over epochs."""

    shows_curves = ("lr", "train/loss", WATCHED)
    lines: Role = None


class StoppingPoints(OfSettings):
    """Training and validation over epochs, the best evaluation, and where training ended."""

    shows_curves = ("train/loss", "validation/loss")
    columns: Role = None
    error: bool = False
    """whether the error is shown above the loss, for which runs score their training examples"""

    def recorded(self) -> tuple[str, ...]:
        """Return the accuracy on the training examples where the error is shown."""
        return ("train_accuracy",) if self.error else ()

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse runs that do not evaluate the error that is asked for."""
        known = reported(curves(cell.config, study.task) for cell in cells)
        for curve in (TRAIN_ACCURACY, "validation/accuracy") if self.error else ():
            if known is not None and curve not in known:
                yield f"shows {curve} over training, which no run has"


class Ladder(OfQuantity):
    """Levels one below the other, each with its difference to the one above."""

    carries_tests = True
    rows: Role = None
    against: Literal["above", "first"] = "above"
    """the level that differences are taken to"""


class LeaveOneOut(OfQuantity):
    """Levels one below the other, each with its difference to the full system."""

    carries_tests = True
    rows: Role = None


class OptimizerPaths(OfSettings):
    """The paths of optimizers over a surface, f against gradients, and an animation of both."""

    shows_curves = ("x", "y", "f", "gradients", "hessians")
    shows_first_replicate = True
    lines: Role = None
    panels: Role = None


class LossOverTime(OfSettings):
    """Training loss against steps and against time."""

    takes_two = True
    shows_curves = ("train/loss",)
    extras = ("timings",)
    lines: Role = None
    best: Role = None
    """the factor of which each line takes its best level"""


class Effects(Item):
    """The effect of every claim with its interval and margin."""

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse a study without claims."""
        if not study.claims:
            yield "needs claims, and the study has none"


class ContactSheet(Item):
    """Images as each level of a factor changes them."""

    extras = ("images",)
    rows: Role = None

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse levels that have no cell, or whose augmentation is not this package's."""
        factor = self.role("rows", study)
        shown = {cell.levels.get(factor.name): cell.config.augment for cell in reversed(cells)}
        for level in factor.levels:
            augment = shown.get(level.name)
            if augment is None:
                yield f"shows every level of {factor.name}, and no cell has {level.name}"
            elif isinstance(augment, Target):
                yield (
                    f"shows this package's augmentations alone, and {factor.name}={level.name} has "
                    f"augment={augment.name}"
                )
        if len({shown.get(level.name) for level in factor.levels}) == 1:
            yield (
                f"shows what augment does, and no level of {factor.name} changes it; name its rows"
            )


class VarianceShares(OfPart):
    """How much each source of randomness makes replicates differ."""

    carries_tests = True
    lines: Role = None
    """the factor that says what varies"""
    whole: str | None = None
    """the level at which everything varies; by default the first"""

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse a `whole` that is no level."""
        factor = self.role("lines", study)
        if self.whole not in (None, *factor.level_names):
            there = one_of(factor.level_names)
            yield f"has whole: {self.whole}, which is no level of {factor.name}; it has {there}"


class FactorEffects(OfPart):
    """Main effects and two-way interactions of a complete grid."""

    carries_tests = True
    takes_two = True

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse a grid that is not complete."""
        if study.design != "grid" or study.exclude or any(f.when for f in study.factors):
            yield "needs a complete grid: design grid, without exclude and when"


#: Every kind by its name, in the order in which documents list them.
ITEMS: Mapping[str, type[Item]] = {
    item.kind: item
    for item in (
        Table, Published, ComparedToBase, EffectAgainstCost, ActivationDistribution,
        GradientDistribution, WeightGradientDistribution, WeightDistribution, InputPixels,
        SignalByLayer, ActivationsOverTraining, LearningCurves, FactorResponse, Heatmap,
        LearningRateSensitivity, EnsembleCurve, ReliabilityDiagram, ScheduleCurves,
        StoppingPoints, Ladder, LeaveOneOut, OptimizerPaths, LossOverTime, Effects, ContactSheet,
        VarianceShares, FactorEffects, ChangedExamples,
    )
}  # fmt: skip
