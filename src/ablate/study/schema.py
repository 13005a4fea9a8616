"""A study as validated, frozen data: what the YAML file says, once it has been read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ablate.config.base import Frozen, Many, NonNegativeFloat, Positive
from ablate.config.target import Dotted
from ablate.config.task import FACTS
from ablate.errors import ConfigError, check_known
from ablate.metrics import (
    CLASSIFICATION,
    GAP,
    SCORES,
    Better,
    Quantity,
    effect_unit,
    quantity,
)
from ablate.study.claims import Claim, Rule
from ablate.study.items import ReportItem
from ablate.study.names import key_label, level_name

DesignKind = Literal["grid", "one_at_a_time", "leave_one_out", "ladder", "zip", "random"]
#: Tuning runs of each value behind a choice that all scored replicates share.
SHARED_TUNING_REPLICATES = 10
#: What chooses among tuned values of a training of this package's own.
#: What a study compares that names no metric, where its runs classify.
USUAL_METRIC = "test/accuracy"
#: The level of a factor that does not exist beside another factor's level.
ABSENT = "–"


class Level(Frozen):
    """One value of a factor: a name that is used everywhere, and the config keys it sets."""

    name: str
    overrides: Mapping[str, Any]

    @property
    def number(self) -> float | None:
        """Return the value where the level sets one number, to place it on an axis."""
        match list(self.overrides.values()):
            case [int() | float() as value] if not isinstance(value, bool):
                return float(value)
        return None


class Factor(Frozen):
    """A config key, or several set together, that the study varies.

    when  levels of earlier factors beside which it exists; elsewhere it is `ABSENT`
    """

    name: str
    label: str
    axis: Literal["linear", "log", "category"] = "category"
    levels: Many[Level]
    when: Rule = Field(default_factory=dict)

    @classmethod
    def of_key(cls, key: str, values: Iterable[Any]) -> Factor:
        """Return a config key as a factor, with a level for each of the values."""
        levels = tuple(Level(name=level_name(value), overrides={key: value}) for value in values)
        return cls(name=key, label=key_label(key), levels=levels)

    @property
    def level_names(self) -> tuple[str, ...]:
        """Return the names of the levels, without that of its absence."""
        return tuple(level.name for level in self.levels if level.name != ABSENT)

    def sets(self, key: str) -> bool:
        """Tell whether each of its levels sets a config key."""
        return all(key in level.overrides for level in self.levels)

    def check_names_differ(self, where: str) -> None:
        """Raise ConfigError where two levels have one name; `where` opens the message."""
        names = self.level_names
        if len({*names}) < len(names):
            twice = max(names, key=names.count)
            raise ConfigError(f"{where}: level '{twice}' is given twice.")

    def check_levels(self, names: Iterable[str], where: str) -> None:
        """Raise ConfigError for a name that is none of its levels; `where` opens the message."""
        for name in names:
            sentence = f"{where}: {self.name} has no level '{name}'; it has"
            check_known(name, self.level_names, sentence)


class Metric(Frozen):
    """What is compared: `test/accuracy` (shown in percent) or `test/loss` (in nats), ...

    function            dotted path of a function of the user's own, (logits (N, K), labels (N,))
                        -> float, taken on the test set
    when_not_converged  what a run counts that did not converge, where all runs are scored
    task                of the runs: `classification` and its like, or the dotted path of one of the
                        user's own
    """

    name: str
    better: Better
    function: Dotted | None = None
    when_not_converged: float | None = None
    task: str = CLASSIFICATION

    @property
    def watched(self) -> str:
        """The curve on validation that is shown beside the loss."""
        known = FACTS.get(self.task)
        name = known.scores[0] if known else self.name.rpartition("/")[2]
        return f"validation/{name}"

    @property
    def is_percent(self) -> bool:
        """Accuracies are stored as fractions and shown in percent, differences in points."""
        return self.unit == "%"

    @property
    def scale(self) -> float:
        """What a stored value is multiplied by to be shown."""
        return quantity(self.name).effect_scale

    @property
    def unit(self) -> str:
        """`%`, `points` of a difference of percentages, `nats`, or nothing."""
        unit = effect_unit(self.name, self.task)
        return "%" if unit == "points" and quantity(self.name).unit == "%" else unit

    @property
    def title(self) -> str:
        """The name as people read it: `test accuracy`."""
        split, _, score = self.name.partition("/")
        if split == GAP:
            return quantity(self.name).label
        if self.task != CLASSIFICATION and score in SCORES:
            return quantity(self.name).label
        return f"{split} {score}" if score else split.replace("_", " ")

    @property
    def label(self) -> str:
        """The title with its unit, as an axis or a table heading shows it."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


class Tune(Frozen):
    """A nuisance key tuned per cell with an equal budget, on replicates of its own.

    by          the score on validation that chooses, or what a training procedure of the user's
                own reports, less being better
    only        levels of factors at which it is tuned; empty: in every cell
    replicates  tuning runs of each value that make one choice for all scored replicates
    nested      each scored replicate has a choice of its own, by one tuning run of each value;
                `replicates` is then without a meaning. Lock files that do not say are not
    """

    key: str
    values: Annotated[Many[float], Field(min_length=1)]
    by: str = "validation/loss"
    only: Rule = Field(default_factory=dict)
    replicates: Positive = SHARED_TUNING_REPLICATES
    nested: bool = False

    @property
    def factor(self) -> Factor:
        """The key as a factor whose levels are the values tried, which tuning runs have."""
        return Factor.of_key(self.key, self.values)


class Part(Frozen):
    """Some of a study's factors and how they are combined.

    name     empty where the study is in one part
    factors  by name; no two parts have one in common
    exclude  cells that are left out
    baseline set in all of its cells, over the study's
    rows     of a random design: the cells, as names of levels in the order of `factors`
    """

    name: str = ""
    design: DesignKind = "grid"
    factors: Many[str] = ()
    exclude: Many[Rule] = ()
    baseline: Mapping[str, Any] = Field(default_factory=dict)
    rows: Many[Many[str]] = ()

    @property
    def suffix(self) -> str:
        """Return `-name` for the names of figures, nothing where the study is in one part."""
        return f"-{self.name}" if self.name else ""

    @property
    def where(self) -> str:
        """Return ` in part 'name'` for messages, nothing where the study is in one part."""
        return f" in part '{self.name}'" if self.name else ""


class Study(Frozen):
    """A question with baseline, factors, design, replicates and metric.

    baseline  with the command line's overrides laid over it
    replicates the most that a cell has
    looks     numbers of replicates at which claims are judged, the last is `replicates`; cells
              that no open claim needs have fewer. Empty: all cells have all
    design    with `exclude`, of a study in one part
    parts     of a study in several; `factors` are then those of all parts
    quick     what `--quick` sets in this study
    is_quick  whether it is the quick version of a study: few replicates, small data
    full      what `--full` sets, `replicates` among it; empty where the study has one size
    command   what was typed, where it was more than the study's name
    headline  names of the claims whose verdicts answer the question; empty: the first claim
    control   whether the baseline is trained once more with other seeds (A/A)
    """

    name: str
    question: str
    source: Mapping[str, str] = Field(default_factory=dict)
    baseline: Mapping[str, Any]
    design: DesignKind = "grid"
    factors: Many[Factor]
    replicates: Positive
    looks: Many[Positive] = ()
    metric: Metric
    smallest_effect: NonNegativeFloat | None = None
    tune: Tune | None = None
    report: Many[ReportItem]
    caveats: Many[str] = ()
    quick: Mapping[str, Any] = Field(default_factory=dict)
    is_quick: bool = False
    full: Mapping[str, Any] = Field(default_factory=dict)
    command: str = ""
    exclude: Many[Rule] = ()
    parts: Many[Part] = ()
    claims: Many[Claim] = ()
    headline: Many[str] = ()
    control: bool = False

    @model_validator(mode="before")
    @classmethod
    def _known_by_its_name(cls, fields: Any) -> Any:
        """Lock files of before `is_quick` tell a quick version by its name and command alone."""
        named = isinstance(fields, Mapping) and str(fields.get("name")).endswith("-quick")
        if named and "is_quick" not in fields and "--quick" in fields.get("command", ""):
            return {**fields, "is_quick": True}
        return fields

    @property
    def tuning_replicates(self) -> int:
        """Return how many tuning runs each tried value has in a cell; 0 where nothing is tuned."""
        if self.tune is None:
            return 0
        return self.replicates if self.tune.nested else self.tune.replicates

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Return the parts; a study without has one with all its factors."""
        names = tuple(factor.name for factor in self.factors)
        own = Part(design=self.design, factors=names, exclude=self.exclude)
        return self.parts or (own,)

    def part(self, part: Part) -> Study:
        """Return the study as if it had this part alone."""
        factors = tuple(self.factor(name) for name in part.factors)
        fields = {"design": part.design, "exclude": part.exclude, "parts": (), "factors": factors}
        return self.model_copy(update=fields)

    def leaves_out(self, levels: Mapping[str, str]) -> bool:
        """Tell whether `exclude` leaves out the setting with these levels, by factor."""
        return any(
            all(levels.get(name) in named for name, named in rule.items()) for rule in self.exclude
        )

    def part_of(self, claim: Claim) -> Part:
        """Return the part that a claim speaks of; raises ConfigError where it is in several."""
        names = claim.factors - {self.tune.key if self.tune else ""}
        for part in self.all_parts:
            if names <= set(part.factors):
                return part
        raise ConfigError(f"{', '.join(sorted(claim.factors))} are factors of different parts.")

    @property
    def all_looks(self) -> tuple[int, ...]:
        """Return the numbers of replicates at which claims are judged; one where it is fixed."""
        return self.looks or (self.replicates,)

    def look_with(self, replicates: int) -> int:
        """Return the replicates of the first look that has so many, or of the last."""
        return next((n for n in self.all_looks if n >= replicates), self.all_looks[-1])

    def of_replicates(self, number: int) -> Study:
        """Return the study as if it had so many replicates in every cell, and one look."""
        return self.model_copy(update={"replicates": number, "looks": ()})

    @property
    def headline_claims(self) -> tuple[str, ...]:
        """Return the names of the claims that answer the question; by default the first's."""
        return self.headline or tuple(claim.name for claim in self.claims[:1])

    def as_declared(self) -> dict[str, Any]:
        """Return the study as plain data for lock files and digests."""
        fields = self.model_dump(mode="json", exclude=None if self.command else {"command"})
        # What most studies do not have is left out: a digest must not change for it.
        fields["metric"] = {k: v for k, v in fields["metric"].items() if v is not None}
        if self.task == CLASSIFICATION:
            del fields["metric"]["task"]
        if self.tune is not None:
            del fields["tune"]["replicates" if self.tune.nested else "nested"]
            if not self.tune.only:
                del fields["tune"]["only"]
        for place in (fields, *fields["factors"]):
            for name in (
                "exclude",
                "parts",
                "when",
                "claims",
                "headline",
                "control",
                "is_quick",
                "full",
                "looks",
            ):
                if name in place and not place[name]:
                    del place[name]
        return fields

    @property
    def task(self) -> str:
        """What the runs predict, see `Metric`."""
        return self.metric.task

    def quantity(self, metric: str) -> Quantity:
        """Return how a metric of the runs is shown."""
        return quantity(metric, self.task)

    def factor(self, name: str) -> Factor:
        """Return the factor called `name`; raises KeyError."""
        return {factor.name: factor for factor in self.factors}[name]
