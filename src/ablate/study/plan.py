"""Compiling a study: factors and design become cells, each a validated config with a key."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ablate.config import Local, RunConfig
from ablate.config.ensemble import Bagging, NoEnsemble, Seeds
from ablate.config.groups import Groups, Override, layered, split_user_code, with_overrides
from ablate.config.key import cell_key
from ablate.config.target import TARGET
from ablate.config.task import FACTS, on_validation
from ablate.config.validate import run_config
from ablate.errors import ConfigError, one_of
from ablate.metrics import CLASSIFICATION, quantity
from ablate.study.claim_check import claim_problems
from ablate.study.designs import check_runs, combinations
from ablate.study.items import refused_items
from ablate.study.measured import measured, task_of
from ablate.study.schema import ABSENT, USUAL_METRIC, Level, Metric, Part, Study
from ablate.study.task_check import check_task


@dataclass(frozen=True)
class Cell:
    """One setting of all factors.

    slug    what varies plus the first eight digits of the key: the folder's name
    name    what varies as people read it: `init=he · activation=relu`
    levels  the level's name by factor
    """

    slug: str
    name: str
    key: str
    levels: Mapping[str, str]
    config: RunConfig


@dataclass(frozen=True)
class Plan:
    """A compiled study: everything known before the first run.

    notes  on what the report will not have, and on claims that no run will answer
    asked  replicates of a cell by its key, where they are more than those of the first look
    """

    study: Study
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    asked: Mapping[str, int] = field(default_factory=dict)

    def replicates_of(self, cell: Cell) -> int:
        """Return how many replicates of a cell are to be trained so far."""
        return self.asked.get(cell.key, self.study.all_looks[0])

    @property
    def runs(self) -> int:
        """Scored runs that are to be trained so far, tuning not counted."""
        return sum(map(self.replicates_of, self.cells))

    @property
    def tuning_runs(self) -> int:
        """Runs that choose the nuisance of each cell."""
        tune = self.study.tune
        values = len(tune.values) if tune else 0
        return values * sum(map(self.tuning_replicates_of, self.tuned_cells))

    def tuning_replicates_of(self, cell: Cell) -> int:
        """Return how many tuning runs of each value a cell has: nested, one for each replicate."""
        nested = self.study.tune is not None and self.study.tune.nested
        return self.replicates_of(cell) if nested else self.study.tuning_replicates

    @property
    def tuned_cells(self) -> tuple[Cell, ...]:
        """Return the cells with tuning runs of their own: those at the levels of `only`.

        An A/A control is tuned as its original is: by itself where tuning is nested; else it has
        the value that was chosen for its original.
        """
        tune = self.study.tune
        if tune is None:
            return self.cells
        return tuple(
            cell for cell in self.cells
            if self.is_tuned(cell) and (tune.nested or not cell.config.control)
        )  # fmt: skip

    def is_tuned(self, cell: Cell) -> bool:
        """Tell whether a cell has a tuned value, a control the one that its original has."""
        tune = self.study.tune
        levels = self.original(cell).levels if tune and cell.config.control else cell.levels
        return tune is not None and all(levels.get(f) in only for f, only in tune.only.items())

    def original(self, control: Cell) -> Cell:
        """Return the cell that an A/A control trains once more."""
        plain = control.config.model_copy(update={"control": False})
        return next(cell for cell in self.cells if cell.config == plain)


def compile_study(
    study: Study,
    base: Mapping[str, Any],
    groups: Groups,
    explicit: Sequence[Override],
    changed: bool = False,
    most_runs: int = Local().most_runs,
) -> Plan:
    """Compile `study` over the composed config `base`; a cell of several parts is one cell.

    explicit  the overrides of the baseline and the command line, in order. Those of groups that
              are the user's own are not in `base` yet; a level that chooses another option of a
              group keeps of the others what the new option has
    changed   whether the command line changed what the study file says: an item of the report
              that the cells cannot give any more is then left out, and a claim that no run can
              answer is noted; else either is refused
    most_runs a study of more is refused

    Raises ConfigError when a cell is not valid, when two cells are the same, when there are too
    many, or for such an item or claim.
    """
    composed, own = split_user_code(explicit)
    base = with_overrides(base, groups, composed, own)
    if study.metric.function is not None:
        metric = {"name": study.metric.name, "function": study.metric.function}
        base = {**base, "metric": metric}
    recorded = {name for item in study.report for name in item.recorded()}
    base = {**base, "probe": {**base["probe"], **dict.fromkeys(recorded, True)}}
    cells = _cells(study, base, groups, composed, most_runs)
    study = _with_task(study, cells)
    for cell in cells:
        _check_metric(study, cell.config, cell.name)
        _check_tuned_by(study, cell.config)
        check_task(cell.config, cell.name)
    refused = [
        (item, f"study {study.name}: report: {item.kind} {why}")
        for item, why in refused_items(study, cells)
    ]
    if refused and not changed:
        raise ConfigError(f"{refused[0][1]}.")
    left_out = [item for item, _ in refused]
    kept = tuple(item for item in study.report if item not in left_out)
    if study.control:
        cells.append(_control(study, cells, run_config(base)))
    problems = list(claim_problems(study, cells))
    if problems and not changed:
        raise ConfigError(problems[0])
    notes = [f"{sentence}, so the report is without it." for _, sentence in refused]
    return Plan(study.model_copy(update={"report": kept}), tuple(cells), (*notes, *problems))


def _cells(
    study: Study,
    base: Mapping[str, Any],
    groups: Groups,
    composed: Sequence[Override],
    most_runs: int,
) -> list[Cell]:
    """Return the cells of all parts; what several parts have is one cell with all their levels."""
    cells: dict[str, Cell] = {}
    for part in study.all_parts:
        of_part: set[str] = set()
        for levels in combinations(study, part, most_runs):
            overrides = layered([part.baseline, *(lv.overrides for lv in levels.values())], groups)
            names = {factor: level.name for factor, level in levels.items()}
            varied = [f"{f}={level}" for f, level in names.items() if level != ABSENT]
            name = " · ".join(varied) or "baseline"
            values = with_overrides(base, groups, composed, overrides.items())
            config = run_config(values, where=name)
            if part.design == "one_at_a_time" and not of_part:
                _check_reference(config, base, levels, part)
            key = _key(study, config)
            if key in of_part:
                raise ConfigError(
                    f"study {study.name}: {cells[key].name} and {name} are the same run; "
                    "a level that changes nothing has no place in a study."
                )
            of_part.add(key)
            if key in cells:
                cells[key] = replace(cells[key], levels={**cells[key].levels, **names})
            else:
                cells[key] = Cell(f"{_slug(names)}-{key[:8]}", name, key, names, config)
    ensembles = [cell.config.ensemble for cell in cells.values()]
    trained = max(one.size if isinstance(one, Seeds | Bagging) else 1 for one in ensembles)
    check_runs(study, len(cells), most_runs)
    check_runs(study, 1, most_runs, trained)  # cells share the members that they have in common
    return list(cells.values())


def _key(study: Study, config: RunConfig) -> str:
    return cell_key(config, (study.tune.key,) if study.tune else ())


def _control(study: Study, cells: Sequence[Cell], baseline: RunConfig) -> Cell:
    """Return the baseline's cell, or the first where no cell is it, with other random streams.

    It has no level of any factor, so no table or figure takes it for another cell.
    """
    of = next((cell for cell in cells if cell.config == baseline), cells[0])
    config = of.config.model_copy(update={"control": True})
    key = _key(study, config)
    return Cell(f"control-{key[:8]}", f"A/A control of {of.name}", key, {}, config)


def _check_reference(
    config: RunConfig, base: Mapping[str, Any], levels: Mapping[str, Level], part: Part
) -> None:
    """Raise ConfigError where the cell that all others are one change away from is another."""
    if config != run_config(base):
        first = ", ".join(f"{name}={level.name}" for name, level in levels.items())
        raise ConfigError(
            f"design one_at_a_time starts from the baseline{part.where}, but the first levels "
            f"({first}) change it; let the baseline's own value be the first of each factor."
        )


def tuned_config(config: RunConfig, key: str, value: float) -> RunConfig:
    """Return `config` with the tuned nuisance set."""
    fields = config.model_dump()
    group, _, name = key.partition(".")
    fields[group][name] = value
    return run_config(fields)


def _with_task(study: Study, cells: Sequence[Cell]) -> Study:
    """Return a study whose metric knows what its runs predict; raises ConfigError for two tasks.

    A study that names no metric compares what its task watches on the test set.
    """
    tasks = {task_of(cell.config): cell.name for cell in cells}
    if len(tasks) > 1:
        (one, first), (other, second), *_ = tasks.items()
        raise ConfigError(
            f"the cells of a study have one task, or nothing compares them: {first} is for {one} "
            f"and {second} for {other}."
        )
    (task,) = tasks
    metric = study.metric
    if task == metric.task:
        return study
    fields = {**metric.model_dump(), "task": task}
    if metric.name == USUAL_METRIC and task in FACTS:
        name = f"test/{FACTS[task].scores[0]}"
        fields |= {"name": name, "better": quantity(name).better}
    return study.model_copy(update={"metric": Metric(**fields)})


def _check_metric(study: Study, config: RunConfig, cell: str) -> None:
    """Raise ConfigError where a run does not have the study's metric."""
    ensemble, metric = config.ensemble, study.metric
    if "/" not in metric.name and metric.function is None and not config.trainer.is_user_code:
        raise ConfigError(
            f"metric '{metric.name}' is not measured here: say from: a function (logits, labels) "
            f"-> float, or let a training procedure of your own return it (trainer.{TARGET})."
        )
    if metric.function is not None:
        return
    if isinstance(ensemble, NoEnsemble):
        known = measured(config, study.task)
        if study.task != CLASSIFICATION and known is not None and metric.name not in known:
            allowed = sorted(name for name in known if name.startswith("test/"))
            raise ConfigError(
                f"metric {metric.name} is not measured for task={study.task}; allowed are "
                f"{one_of(allowed)}, and as validation/... and train/..."
            )
        return
    allowed = sorted(
        name for name in measured(config, study.task) or () if name.startswith("test/")
    )
    if study.metric.name not in allowed:
        how = "that votes " if ensemble.combine == "vote" else ""
        raise ConfigError(
            f"{cell}: metric {study.metric.name} is not measured for an ensemble {how}"
            f"(ensemble={ensemble.name}); allowed are {one_of(allowed)}."
        )


def _check_tuned_by(study: Study, config: RunConfig) -> None:
    """Raise ConfigError where tuning chooses by something that no run reports."""
    ours = on_validation(study.task)
    by = study.tune.by if study.tune else ours[0]
    reported = measured(config, study.task) if config.trainer.is_user_code else frozenset[str]()
    if by not in ours and reported is not None and by not in reported:
        raise ConfigError(
            f"tune.with: by={by} is not allowed: no run reports it; allowed are "
            f"{one_of((*ours, *sorted(reported)))}."
        )


def _slug(levels: Mapping[str, str]) -> str:
    """Return a folder name: readable, and safe on every file system and in a shell."""
    named = [(name.rpartition(".")[2], level) for name, level in levels.items() if level != ABSENT]
    text = "_".join(f"{name}={level}" for name, level in named)
    return re.sub(r"[^A-Za-z0-9=._+-]+", "-", text)[:120] or "baseline"
