"""The items of a report: a frozen class per kind, with its options and what it needs of a study.

A kind is a class here and a module of its name in `ablate.report.exhibits`; nothing else lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer

from ablate.config.base import Frozen

if TYPE_CHECKING:
    from ablate.study.schema import Study

#: Marks an option that names a factor of the study.
_ROLE = "factor"
Role = Annotated[str | None, _ROLE]


def _as_levels(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: tuple(v) if isinstance(v, list | tuple) else v for key, v in value.items()}


Only = Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(_as_levels)]


class Item(Frozen):
    """One table or figure of the report, with its options."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: ClassVar[str]
    #: Frames and files that a report has only where an item asks for them.
    extras: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def roles(cls) -> tuple[str, ...]:
        """Return the options that name a factor."""
        return tuple(name for name, field in cls.model_fields.items() if _ROLE in field.metadata)

    def named(self) -> dict[str, str]:
        """Return the factors that the item names, by role."""
        found = {role: getattr(self, role) for role in self.roles()}
        return {role: name for role, name in found.items() if name is not None}

    def refusal(self, study: Study) -> str | None:
        """Return what a study of one part lacks for this item, as `needs two factors`, or None."""
        return None


class OfPart(Item):
    """An item about one part of the study, or about each in turn."""

    part: str | None = None
    """the part it is about, by name; by default that of the factors it names, else every part"""


class OfSettings(OfPart):
    """A figure drawn once for every setting of the factors that play no role in it."""

    only: Only = Field(default_factory=dict)
    """levels that are shown, by factor; by default all"""


class OfQuantity(OfSettings):
    """A figure of the study's metric, or of another quantity of the same runs."""

    metric: str | None = None
    """another final metric, such as weights/norm"""
    probe: Literal["zero", "dead", "saturated", "mean", "std", "rms"] | None = None
    """a statistic of the activations at the last probed step, averaged over hidden layers"""


class Table(OfPart):
    """The metric in each cell, with its interval, the best and what is not shown worse."""

    kind = "table"
    rows: Role = None
    """the factor down; by default the first"""
    columns: Role = None
    """the factor across; by default the next; every setting of the others is a table"""


class Published(OfPart):
    """The published table of initializations beside ours, and which of its orderings hold here."""

    kind = "published"
    rows: Role = None
    columns: Role = None
    names: Mapping[str, str] = Field(default_factory=dict)
    """the published name of a level, where it has another"""


class ComparedToBase(OfPart):
    """What two costly things buy, alone and together, against having neither."""

    kind = "compared_to_base"
    rows: Role = None
    columns: Role = None


class ActivationDistribution(OfSettings):
    """Histograms of the activations: layers down, levels across."""

    kind = "activation_distribution"
    columns: Role = None
    step: Literal["first", "last"] = "first"
    """before the first step of training, or after the last"""


class GradientDistribution(OfSettings):
    """Histograms of the gradients of the activations: layers down, levels across."""

    kind = "gradient_distribution"
    columns: Role = None
    step: Literal["first", "last"] = "first"
    """before the first step of training, or after the last"""


class SignalByLayer(OfSettings):
    """The spread of activations and of their gradients from layer to layer, with theory."""

    kind = "signal_by_layer"
    lines: Role = None
    rows: Role = None


class ActivationsOverTraining(OfSettings):
    """Statistics of the activations over the steps of training."""

    kind = "activations_over_training"
    columns: Role = None
    rows: Role = None


class LearningCurves(OfSettings):
    """Training loss and validation accuracy over steps."""

    kind = "learning_curves"
    lines: Role = None
    rows: Role = None


class FactorResponse(OfQuantity):
    """The metric over the levels of a factor, a line per level of another."""

    kind = "factor_response"
    x: Role = None
    lines: Role = None


class Heatmap(OfSettings):
    """The mean of the metric in each cell of two factors."""

    kind = "heatmap"
    rows: Role = None
    columns: Role = None


class LearningRateSensitivity(OfSettings):
    """The metric over learning rates: those that were tuned, or those of a factor."""

    kind = "learning_rate_sensitivity"
    lines: Role = None
    panels: Role = None


class EnsembleCurve(OfSettings):
    """Brier score and error over the number of members, and the law of averages."""

    kind = "ensemble_curve"
    x: Role = None
    lines: Role = None


class ReliabilityDiagram(OfSettings):
    """Accuracy against confidence."""

    kind = "reliability_diagram"
    extras = ("calibration",)
    lines: Role = None


class ScheduleCurves(OfSettings):
    """Learning rate, training loss and validation accuracy over epochs."""

    kind = "schedule_curves"
    lines: Role = None


class StoppingPoints(OfSettings):
    """Validation loss over epochs, its best point, and where training ended."""

    kind = "stopping_points"
    columns: Role = None


class Ladder(OfQuantity):
    """Levels one below the other, each with its difference to the one above."""

    kind = "ladder"
    rows: Role = None
    against: Literal["above", "first"] = "above"
    """the level that differences are taken to"""


class LeaveOneOut(OfQuantity):
    """Levels one below the other, each with its difference to the full system."""

    kind = "leave_one_out"
    rows: Role = None


class OptimizerPaths(OfSettings):
    """The paths of optimizers over a surface, and an animation of them."""

    kind = "optimizer_paths"
    lines: Role = None
    panels: Role = None


class LossOverTime(OfSettings):
    """Training loss against steps and against time."""

    kind = "loss_over_time"
    extras = ("timings",)
    lines: Role = None
    best: Role = None
    """the factor of which each line takes its best level"""


class Effects(Item):
    """The effect of every claim with its interval and margin."""

    kind = "effects"


class ContactSheet(Item):
    """Images as each level of a factor changes them."""

    kind = "contact_sheet"
    extras = ("images",)
    rows: Role = None


class VarianceShares(OfPart):
    """How much each source of randomness makes replicates differ."""

    kind = "variance_shares"
    lines: Role = None
    """the factor that says what varies"""
    whole: str | None = None
    """the level at which everything varies; by default the first"""


class FactorEffects(OfPart):
    """Main effects and two-way interactions of a complete grid."""

    kind = "factor_effects"


#: Every kind by its name, in the order in which documents list them.
ITEMS: Mapping[str, type[Item]] = {
    item.kind: item
    for item in (
        Table, Published, ComparedToBase, ActivationDistribution, GradientDistribution,
        SignalByLayer, ActivationsOverTraining, LearningCurves, FactorResponse, Heatmap,
        LearningRateSensitivity, EnsembleCurve, ReliabilityDiagram, ScheduleCurves,
        StoppingPoints, Ladder, LeaveOneOut, OptimizerPaths, LossOverTime, Effects, ContactSheet,
        VarianceShares, FactorEffects,
    )
}  # fmt: skip


def _from_lock(value: Any) -> Any:
    """Return the item that a lock file tells of; what it says of options long gone is left out."""
    if isinstance(value, Item):
        return value
    item = ITEMS[value["kind"]]
    return item(**{k: v for k, v in value["options"].items() if k in item.model_fields})


def _to_lock(item: Item) -> dict[str, Any]:
    return {"kind": item.kind, "options": item.model_dump(mode="json", exclude_unset=True)}


#: An item as a study holds it, and as its lock file does: kind and options.
ReportItem = Annotated[Item, BeforeValidator(_from_lock), PlainSerializer(_to_lock)]
