"""From designs as they are written to the parts of a study and their factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablate.config.groups import Groups, layered
from ablate.errors import ConfigError
from ablate.study.claims import Rule
from ablate.study.factors import check_levels, check_overrides, read_factor, read_level, settings
from ablate.study.file import Added, DesignFile, Drawn, FactorFile, PartFile, StudyFile
from ablate.study.names import level_name, named_levels
from ablate.study.sampling import draw
from ablate.study.schema import Factor, Level, Part

#: Designs of components, which are read as a factor of that name where the study is in one part.
_COMPONENT = "component"
_LABELS = {"ladder": "components so far", "leave_one_out": "component left out"}


def all_settings(file: StudyFile) -> Iterator[Mapping[str, Any]]:
    """Yield what the baseline, levels, components and parts set."""
    yield file.baseline
    for part in (file, *file.parts):
        yield from (part.components or {}).values()
        for name, factor in (part.factors or {}).items():
            yield from settings(name, factor)
    yield from (part.baseline for part in file.parts)


def read_design(file: StudyFile, groups: Groups, where: str) -> dict[str, Any]:
    """Return the study's `factors` and, where they are not the default, design, exclude, parts.

    Raises ConfigError for a design that cannot be, and for a factor of two parts.
    """
    for key in DesignFile.model_fields:
        if file.parts and key in file.model_fields_set:
            raise ConfigError(f"{where}: {key} stands beside parts; put it into one of them.")
    parts: dict[str, Part] = {}
    everything: dict[str, Factor] = {}
    written: Sequence[StudyFile | PartFile] = file.parts or [file]
    for one in written:
        name = one.name if isinstance(one, PartFile) else ""
        if name in parts:
            raise ConfigError(f"{where}: two parts are called '{name}'; each needs its name.")
        parts[name], factors = _read_part(
            one, name, groups, f"{where}: part '{name}'" if name else where
        )
        for factor in factors:
            if factor.name in everything:
                raise ConfigError(
                    f"{where}: factor '{factor.name}' is in two parts; give it another name in "
                    "one of them, with its config key as key."
                )
            everything[factor.name] = factor
    found = {"factors": tuple(everything.values())}
    only = parts.get("")
    if only and not only.rows:
        return {**found, "design": only.design, "exclude": only.exclude}
    return {**found, "parts": tuple(parts.values())}


def _read_part(
    file: StudyFile | PartFile, name: str, groups: Groups, where: str
) -> tuple[Part, tuple[Factor, ...]]:
    kind = file.design.kind
    baseline = file.baseline if isinstance(file, PartFile) else {}
    check_overrides(baseline, groups, f"{where}: baseline")
    of_components = kind in _LABELS
    needed, needless = ("components", "factors") if of_components else ("factors", "components")
    if getattr(file, needless) is not None:
        raise ConfigError(f"{where}: design {kind} has {needed}, not {needless}.")
    if not getattr(file, needed):
        raise ConfigError(
            f"{where}: {needed} is missing or empty; design {kind} needs at least one."
        )
    written = file.factors or {}
    rows: tuple[tuple[str, ...], ...] = ()
    if of_components:
        factors = [_components(file, name or _COMPONENT, groups, where)]
    elif isinstance(file.design, Drawn):
        factors, rows = _drawn(written, file.design, groups, where)
    else:
        factors = [read_factor(f, v, groups, f"{where}: factor '{f}'") for f, v in written.items()]
    for place, factor in enumerate(factors):
        here = f"{where}: factor '{factor.name}'"
        if factor.when and kind != "grid":
            raise ConfigError(f"{here} has when, which needs design grid.")
        check_levels(factor.when, factors[:place], f"{here}: when")
    exclude = [_rule(rule, factors, f"{where}: exclude") for rule in file.exclude]
    part = Part(
        name=name, design=kind, factors=tuple(factor.name for factor in factors),
        exclude=tuple(exclude), baseline=baseline, rows=rows,
    )  # fmt: skip
    return part, tuple(factors)


def _components(file: StudyFile | PartFile, name: str, groups: Groups, where: str) -> Factor:
    """Return the factor of a ladder (each component added) or of a system less one component."""
    ladder = file.design if isinstance(file.design, Added) else None
    levels = [Level(name=ladder.first if ladder else "full", overrides={})]
    sum_of_all: dict[str, Any] = {}
    for component, overrides in (file.components or {}).items():
        here = f"{where}: component '{level_name(component)}'"
        if not isinstance(component, str):
            raise ConfigError(f"{here}: the name is not a text; put it in quotes.")
        check_overrides(overrides, groups, here)
        if ladder:
            sum_of_all = layered([sum_of_all, overrides], groups)
            levels.append(read_level(f"+ {component}", sum_of_all, groups, here))
        else:
            levels.append(read_level(f"without {component}", overrides, groups, here))
    label = file.label if isinstance(file, PartFile) else None
    return Factor(name=name, label=label or _LABELS[file.design.kind], levels=tuple(levels))


def _drawn(
    written: Mapping[str, FactorFile], design: Drawn, groups: Groups, where: str
) -> tuple[list[Factor], tuple[tuple[str, ...], ...]]:
    """Return factors with the levels that were drawn, and the cells as rows of level names."""
    factors, columns = [], []
    for name, factor in written.items():
        here = f"{where}: factor '{name}'"
        values = draw(name, factor, design.cells, design.seed, here)
        if factor.levels is None:
            axis = factor.axis or ("log" if factor.distribution == "loguniform" else "linear")
            update = {"levels": sorted(set(values)), "axis": axis}
            read = read_factor(name, factor.model_copy(update=update), groups, here)
            columns.append([level_name(value) for value in values])
        else:
            read = read_factor(name, factor, groups, here)
            columns.append([read.levels[place].name for place in values])
        factors.append(read)
    # Few choices may be drawn twice; a cell is one all the same.
    return factors, tuple(dict.fromkeys(zip(*columns, strict=True)))


def _rule(written: Mapping[str, Any], factors: list[Factor], where: str) -> Rule:
    rule = {name: named_levels(levels) for name, levels in written.items()}
    if not rule:
        raise ConfigError(f"{where}: a rule is empty, and would leave out everything.")
    check_levels(rule, factors, where)
    return rule
