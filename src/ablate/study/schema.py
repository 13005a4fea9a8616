"""A study as validated, frozen data: what the YAML file says, once it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ablate.config.base import Frozen, NonNegativeFloat, Positive
from ablate.config.target import Dotted

#: The figures a study file may ask for; `ablate.report.figures` draws each.
FIGURE_KINDS = (
    "activation_distribution",
    "gradient_distribution",
    "signal_by_layer",
    "activations_over_training",
    "learning_curves",
    "factor_response",
    "heatmap",
    "learning_rate_sensitivity",
    "ensemble_curve",
    "reliability_diagram",
    "schedule_curves",
    "stopping_points",
    "ladder",
    "optimizer_paths",
    "loss_over_time",
    "contact_sheet",
)
#: All that the `report` list of a study file may name.
REPORT_KINDS = ("table", "published", "compared_to_base", *FIGURE_KINDS)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Level(Frozen):
    """One value of a factor: a name that is used everywhere, and the config keys it sets."""

    name: str
    overrides: Mapping[str, Any]

    @property
    def number(self) -> float | None:
        """Return the value where the level sets one number, to place it on an axis."""
        values = list(self.overrides.values())
        if len(values) == 1 and isinstance(values[0], int | float) and values[0] is not True:
            return None if isinstance(values[0], bool) else float(values[0])
        return None


class Factor(Frozen):
    """A config key, or several set together, that the study varies."""

    name: str
    label: str
    axis: Literal["linear", "log", "category"] = "category"
    levels: Annotated[tuple[Level, ...], BeforeValidator(_as_tuple)]


class Metric(Frozen):
    """What is compared: `test/accuracy` (shown in percent) or `test/loss` (in nats), ...

    function            dotted path of a function of the user's own, (logits (N, K), labels (N,))
                        -> float, taken on the test set
    when_not_converged  what a run counts that did not converge, where all runs are scored
    """

    name: str
    better: Literal["higher", "lower"]
    function: Dotted | None = None
    when_not_converged: float | None = None

    @property
    def is_percent(self) -> bool:
        """Accuracies are stored as fractions and shown in percent, differences in points."""
        return self.name.endswith("/accuracy")

    @property
    def label(self) -> str:
        """Return the name with its unit, as an axis or a table heading shows it."""
        split, _, quantity = self.name.partition("/")
        if not quantity:
            return self.name.replace("_", " ")
        unit = {"accuracy": " (%)", "loss": " (nats)", "nll": " (nats)"}.get(quantity, "")
        return f"{split} {quantity}{unit}"


class Tune(Frozen):
    """A nuisance key tuned per cell with an equal budget, on replicates of its own."""

    key: str
    values: Annotated[tuple[float, ...], BeforeValidator(_as_tuple)]
    by: Literal["validation/loss", "validation/accuracy"] = "validation/loss"
    replicates: Positive = 3


class ReportItem(Frozen):
    """One figure or table of the report, with its options."""

    kind: str
    options: Mapping[str, Any] = Field(default_factory=dict)


class Study(Frozen):
    """A question with baseline, factors, design, replicates and metric.

    baseline  with the command line's overrides laid over it
    command   what was typed, where it was more than the study's name
    """

    name: str
    question: str
    source: Mapping[str, str] = Field(default_factory=dict)
    baseline: Mapping[str, Any]
    design: Literal["grid"] = "grid"
    factors: Annotated[tuple[Factor, ...], BeforeValidator(_as_tuple)]
    replicates: Positive
    metric: Metric
    smallest_effect: NonNegativeFloat | None = None
    tune: Tune | None = None
    report: Annotated[tuple[ReportItem, ...], BeforeValidator(_as_tuple)]
    caveats: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    quick: Mapping[str, Any] = Field(default_factory=dict)
    command: str = ""

    def as_declared(self) -> dict[str, Any]:
        """Return the study as plain data for lock files and digests."""
        fields = self.model_dump(mode="json", exclude=None if self.command else {"command"})
        # What a metric of the package's own does not have: a digest must not change for it.
        fields["metric"] = {k: v for k, v in fields["metric"].items() if v is not None}
        return fields

    def factor(self, name: str) -> Factor:
        """Return the factor called `name`; raises KeyError."""
        return {factor.name: factor for factor in self.factors}[name]
