"""Claims: statements about a study with a mechanical rule, a class per form.

On disk (lock files, digests) a claim is flat: the fields of all forms, those of others null.
How a study file writes one is in `claim_file.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from ablate.config.base import Frozen, Line, Many, NonNegativeFloat, as_tuple
from ablate.errors import ConfigError
from ablate.metrics import Expression, Probed, parse
from ablate.study.names import named_levels

#: Levels of factors by the factor's name: what a rule speaks of.
Rule = Mapping[str, Many[str]]
#: The names of one level or of several: numbers as they are written.
Levels = Annotated[tuple[str, ...], BeforeValidator(named_levels), WithJsonSchema({})]
#: What a claim may be about besides factors: how much replicates of a cell differ.
REPLICATES = "replicates"


def _share(value: Any) -> float:
    """Return `0.25`, or `25 %` as it is written."""
    text = str(value).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if isinstance(value, bool) or not 0 < share <= 1:
        raise ConfigError(f"expect: {value} is no share: write a number such as 0.25, or 25 %.")
    return share


def _parsed(value: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


def _predicted(value: Any) -> Any:
    metric = _parsed(value)
    if isinstance(metric, Probed):
        return metric
    raise ConfigError(
        f"metric {metric} is nothing that a theory follows: write probe(activation/std, "
        "layer=10, step=0)."
    )


Share = Annotated[float, BeforeValidator(_share)]
#: A factor and two of its levels, A and B.
TwoLevels = Annotated[tuple[str, str, str], BeforeValidator(as_tuple)]
Measured = Annotated[Expression, BeforeValidator(_parsed), WithJsonSchema({"type": "string"})]


class Statement(Frozen):
    """What a lecture or a paper says, of which a claim is the test."""

    source: Line
    """who says it: `the lecture on regularization`, `Huang et al. 2017`"""
    says: Line | None = None
    """what, as a clause behind "that"; by default the claim's text"""
    otherwise: Line | None = None
    """where runs speak against it: what could explain that, and which run would tell"""


class _Claim(Frozen):
    """What every claim has.

    at         levels of factors that are fixed; of others the mean is taken. At a value of the
               tuned key the runs are those that tuned it
    metric     where it is not the study's
    statement  whose statement it tests
    """

    name: str
    text: str
    at: Rule = Field(default_factory=dict)
    metric: Measured | None = None
    statement: Statement | None = None

    @property
    def varied(self) -> frozenset[str]:
        """The factors whose levels it sets against each other; `at` cannot fix them."""
        compare = getattr(self, "compare", ())[:1]
        others = (getattr(self, field, None) for field in ("spread_over", "over"))
        return frozenset(name for name in (*compare, *others) if name not in (None, REPLICATES))

    @property
    def factors(self) -> frozenset[str]:
        """Every factor that it speaks of."""
        return self.varied | set(self.at) | set(getattr(self, "interaction", ())[:1])

    @model_validator(mode="before")
    @classmethod
    def _of_this_form(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: item for key, item in value.items() if item is not None}
        return value

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        fields = {name: getattr(self, name, None) for name in _ON_DISK}
        if isinstance(self, Rate) and self.per != "replicate":
            fields["per"] = self.per  # only where it is said: digests of others do not change
        if self.statement is not None:
            fields["statement"] = self.statement.model_dump(exclude_none=True)
        return fields | {"metric": None if self.metric is None else str(self.metric)}


class _Comparing(_Claim):
    """A against B: the first level of `compare` against the second."""

    expect: Literal["greater", "less", "equal"]
    compare: TwoLevels


class Effect(_Comparing):
    """The metric's mean at A is greater than at B, less, or equal.

    margin  in points where the metric is shown in percent, else in its own unit; of `equal` the
            study's smallest effect, where it says none
    """

    margin: NonNegativeFloat | None = None


class Spread(_Comparing):
    """The metric varies more, less or as much between the levels of `spread_over` at A as at B."""

    spread_over: str


class Noise(Effect):
    """As `Effect`, of the metric's standard deviation between replicates."""

    spread_over: Literal["replicates"]


class Interaction(Effect):
    """As `Effect`, of (A - B) at C less (A - B) at D: `interaction` is a factor, C and D."""

    interaction: TwoLevels


class Rate(_Claim):
    """A share greater than `rate` converges, or does not.

    per  what is counted. `replicate`: those in which the runs of all cells do, as the runs of one
         replicate share their random numbers and are no independent trials. `setting`: in every
         cell by itself the share of its runs
    """

    expect: Literal["converges", "diverges"]
    rate: Share
    per: Literal["replicate", "setting"] = "replicate"


class Order(_Claim):
    """The metric goes up or down from each level of `over` to the next, by `margin` at least."""

    expect: Literal["monotone"]
    direction: Literal["up", "down"]
    over: str
    margin: NonNegativeFloat | None = None


class Follows(_Claim):
    """What the probe finds is what the theory `follows` says, `within` a share of it.

    `equal_layers` says of a ratio of two layers (`layer=1/last`) that it is 1, as Glorot and Bengio
    (2010) want it of gradients; the others predict the std of a layer's activations.
    """

    expect: Literal["follows"]
    follows: Literal["signal", "he_relu", "equal_layers"]
    within: Share
    metric: Annotated[Probed, BeforeValidator(_predicted)]

    @model_validator(mode="after")
    def _metric_of_this_theory(self) -> Self:
        metric, of_ratios = self.metric, self.follows == "equal_layers"
        if of_ratios and metric.against is None:
            raise ValueError(
                f"metric {metric} is no ratio of layers, of which equal_layers speaks: write "
                "probe(weight_gradient/std, layer=1/last, step=0)"
            )
        predicted = (metric.quantity, metric.statistic) == ("activation", "std")
        if not of_ratios and (metric.against is not None or not predicted):
            raise ValueError(
                f"metric {metric} is nothing that a theory follows: write probe(activation/std, "
                "layer=10, step=0)"
            )
        return self


#: By the word of `expect`, the form and how a study file writes its fields and how they are called
#: here; the words that are not here compare two levels.
RULES: Mapping[str, tuple[type[Rate | Order | Follows], Mapping[str, str]]] = {
    "converges": (Rate, {"converges": "rate", "per": "per"}),
    "diverges": (Rate, {"diverges": "rate", "per": "per"}),
    "monotone": (Order, {"monotone": "direction", "in": "over"}),
    "follows": (Follows, {"follows": "follows", "within": "within"}),
}
#: Fields of a rule that need not be written.
OPTIONAL = ("per",)
_ON_DISK = (
    "name", "text", "expect", "compare", "spread_over", "interaction", "at", "metric", "margin",
    "rate", "direction", "over", "follows", "within",
)  # fmt: skip


Form = Effect | Spread | Noise | Interaction | Rate | Order | Follows


def form_of(value: Any) -> type[Form]:
    """Return the form of a claim by its fields, as they are on disk."""
    if isinstance(value, Form):
        return type(value)
    fields = value if isinstance(value, Mapping) else {}
    if fields.get("expect") in RULES:
        return RULES[fields["expect"]][0]
    if fields.get("interaction") is not None:
        return Interaction
    over = fields.get("spread_over")
    return Effect if over is None else Noise if over == REPLICATES else Spread


Claim = Annotated[
    Annotated[Effect, Tag("Effect")]
    | Annotated[Spread, Tag("Spread")]
    | Annotated[Noise, Tag("Noise")]
    | Annotated[Interaction, Tag("Interaction")]
    | Annotated[Rate, Tag("Rate")]
    | Annotated[Order, Tag("Order")]
    | Annotated[Follows, Tag("Follows")],
    Discriminator(lambda value: form_of(value).__name__),
]
