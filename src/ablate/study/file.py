"""A study file as it is written: the types that read it, describe it and give editors a schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from ablate.config.base import Count, Frozen, Line, NonNegativeFloat, Positive
from ablate.config.target import Dotted
from ablate.config.validate import validated
from ablate.errors import ConfigError, check_known, nearest, one_of
from ablate.study.claim_file import ClaimFile
from ablate.study.items import ITEMS, Item
from ablate.study.looks import LooksFile, read_replicates

#: Config keys and their values: `{data: mnist, model.depth: 5}`.
Overrides = dict[str, Any]
#: One or several levels by the factor's name: `{scale: [0.1, 1]}`.
Rule = dict[str, Any]


class FactorFile(Frozen):
    """What the study varies: a config key and its values, or named levels that set several keys."""

    key: str | None = None
    """the config key; by default the factor's name"""
    levels: list[Any] | dict[Any, Any] | None = None
    """values of the key; or by name a value, or the keys that the level sets"""
    label: Line | None = None
    """what tables and axes call it; by default the last word of its key"""
    axis: Literal["linear", "log", "category"] | None = None
    """how its levels stand on an axis; by default `category`"""
    when: Rule = Field(default_factory=dict)
    """levels of earlier factors beside which it exists; needs design grid"""
    distribution: Literal["uniform", "loguniform", "int", "choice"] | None = None
    """of a random design: what its values are drawn from; `choice` takes levels"""
    low: float | int | None = None
    """of a distribution: the smallest value"""
    high: float | int | None = None
    """of a distribution: the largest value"""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping) else {"levels": value}


class Combined(Frozen):
    """How factors become cells."""

    kind: Literal["grid", "one_at_a_time", "zip", "leave_one_out"]
    """all combinations; each factor from the baseline; levels side by side; a system less each"""


class Added(Frozen):
    """Components added one after the other."""

    kind: Literal["ladder"]
    first: str = "baseline"
    """what the level without a component is called"""


class Drawn(Frozen):
    """Cells drawn at random."""

    kind: Literal["random"]
    cells: Annotated[Positive, Field(le=100_000)]
    """how many cells are drawn"""
    seed: Count = 0
    """of the draws; those of a factor do not depend on the others"""


@dataclass(frozen=True)
class _Schema:
    """The schema of what is read by other means than its type: `make` is given the handler."""

    make: Callable[[GetJsonSchemaHandler, CoreSchema], dict[str, Any]]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.make(handler, core_schema)


def _or(short: Mapping[str, Any]) -> _Schema:
    """Return the schema of a mapping for which a shorter form may stand."""
    return _Schema(lambda handler, core: {"anyOf": [dict(short), handler(core)]})


_DESIGNS = ("grid", "one_at_a_time", "zip", "ladder", "leave_one_out")
Design = Annotated[
    Annotated[Combined | Added | Drawn, Field(discriminator="kind")],
    BeforeValidator(lambda value: value if isinstance(value, Mapping) else {"kind": value}),
    _or({"enum": _DESIGNS}),
]


class DesignFile(Frozen):
    """What is varied, and how it is combined."""

    design: Design = Combined(kind="grid")
    """grid, one_at_a_time, zip, ladder, leave_one_out, or `{kind: random, cells: 30}`"""
    factors: dict[str, Annotated[FactorFile, _or({"type": "array"})]] | None = None
    """what is varied, by name"""
    components: dict[Any, Overrides] | None = None
    """of a ladder or leave_one_out: what makes each component, by name"""
    exclude: list[Rule] = Field(default_factory=list)
    """cells that are left out: those at all the levels that a rule names"""


class PartFile(DesignFile):
    """Some of the factors of a study, with a design of their own."""

    name: str = Field(min_length=1)
    """in figures' names and in `part:` of report items"""
    label: Line | None = None
    """of a ladder or leave_one_out: what tables call its components"""
    baseline: Overrides = Field(default_factory=dict)
    """set in all of its cells, over the study's"""


class MetricFile(Frozen):
    """A metric that is a function of your own, or that your training procedure returns."""

    name: str
    """what tables and claims call it"""
    function: Dotted | None = Field(default=None, alias="from")
    """dotted path of a function (logits (N, K), labels (N,)) -> float, taken on the test set"""
    better: Literal["higher", "lower"]
    """which way is better"""
    when_not_converged: float | None = None
    """what a run counts that did not converge, where all runs are scored"""


class TuneSettings(Frozen):
    """How a nuisance is tuned: by default nested, where a study has 10 replicates at most."""

    by: str = "validation/loss"
    """what chooses: validation/loss, validation/accuracy, or where a training procedure of your own
    reports it another number, of which less is better"""
    only: Rule = Field(default_factory=dict)
    """levels of factors at which it is tuned; elsewhere the key keeps its value"""
    nested: bool | None = None
    """whether each replicate takes what is best in tuning runs of its own, one of each value"""
    replicates: Positive | None = None
    """where it is not: tuning runs of each value, for one choice that all share; by default 10"""


def _item(value: Any) -> Item:
    """Read `heatmap` or `{heatmap: {rows: init}}`; raises ConfigError naming what is allowed."""
    named = list(value.items()) if isinstance(value, Mapping) else [(value, {})]
    if len(named) != 1:
        names = one_of(str(kind) for kind, _ in named) if named else "none"
        raise ConfigError(
            f"report: an item has one name, not {names}; write its options as a mapping behind "
            "it: ladder: {against: first}."
        )
    ((kind, options),) = named
    check_known(kind, list(ITEMS), f"report: there is no '{kind}'; allowed are")
    if not isinstance(options, Mapping | None):
        raise ConfigError(f"report: {kind} is {options}; it must be a mapping of its options.")
    known = list(ITEMS[kind].model_fields)
    for option in options or ():
        if option not in known:
            has = f"it has {one_of(known)}" if known else "it has none"
            raise ConfigError(
                f"report: {kind} has no option '{option}'; {has}.{nearest(str(option), known)}"
            )
    return validated(ITEMS[kind], options or {}, f"report: {kind}")


def _item_schema(_: GetJsonSchemaHandler, __: CoreSchema) -> dict[str, Any]:
    """Return the schema of an item: its kind alone, or with its options."""
    with_options = [
        {
            "type": "object",
            "properties": {kind: item.model_json_schema()},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind, item in ITEMS.items()
    ]
    return {"anyOf": [{"enum": list(ITEMS)}, *with_options]}


def _names(value: Any) -> tuple[str, ...]:
    """Return the names of one claim or of several, as text."""
    return tuple(map(str, value if isinstance(value, list | tuple) else [value]))


def _claims_schema(_: GetJsonSchemaHandler, __: CoreSchema) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": ClaimFile.model_json_schema()}


def _tune_schema(_: GetJsonSchemaHandler, __: CoreSchema) -> dict[str, Any]:
    settings = {"with": TuneSettings.model_json_schema()}
    values = {"type": "array", "items": {"type": "number"}}
    return {"type": "object", "properties": settings, "additionalProperties": values}


def _looks_schema(_: GetJsonSchemaHandler, __: CoreSchema) -> dict[str, Any]:
    fixed = {"type": "integer", "minimum": 1}
    return {"anyOf": [fixed, LooksFile.model_json_schema()]}


class StudyFile(DesignFile):
    """A question with a baseline, what is varied, and what is claimed and reported."""

    question: Line
    """what the study asks, as one sentence"""
    source: dict[str, Line] = Field(default_factory=dict)
    """where the question comes from: a lecture, a paper"""
    baseline: Overrides
    """what is not varied: config keys as on the command line"""
    parts: list[PartFile] = Field(default_factory=list, min_length=1)
    """several designs in one study, in place of `factors`: one family of claims"""
    replicates: Annotated[tuple[int, ...], BeforeValidator(read_replicates), _Schema(_looks_schema)]
    """networks per cell; replicate r draws the same random numbers in every cell. Until claims are
    decided: `{from: 6, to: 30}`, or `{looks: [6, 10, 15, 20]}`"""
    metric: str | MetricFile = "test/accuracy"
    """what is compared: a split and a score, `gap/accuracy` (training less test), or your own"""
    smallest_effect: NonNegativeFloat | None = None
    """below this a difference is called none; in points where the metric is in percent"""
    tune: Annotated[dict[str, Any], _Schema(_tune_schema)] | None = None
    """a nuisance key and the values tried in every cell: `{optimizer.lr: [0.01, 0.1]}`"""
    claims: Annotated[dict[Any, Any], _Schema(_claims_schema)] = Field(default_factory=dict)
    """statements by name, said before the first run and judged together"""
    headline: Annotated[tuple[str, ...], BeforeValidator(_names), _or({"type": "string"})] = ()
    """the claim, or several, whose verdicts open the report; by default the first claim"""
    report: list[Annotated[Item, BeforeValidator(_item), _Schema(_item_schema)]]
    """tables and figures, in order"""
    caveats: list[Line] = Field(default_factory=list)
    """sentences that stand on the page"""
    quick: Overrides = Field(default_factory=dict)
    """what `--quick` sets besides its own"""
    full: Overrides = Field(default_factory=dict)
    """what `--full` sets, config keys and `replicates`: the size that decides, in hours"""
