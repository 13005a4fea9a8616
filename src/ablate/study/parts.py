"""From designs as they are written to the parts of a study and their factors."""

from collections.abc import Iterator, Mapping
from typing import Any

from ablate.config.groups import Groups, layered
from ablate.errors import ConfigError, within
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
            yield from (overrides for _, overrides in settings(name, factor))
    yield from (part.baseline for part in file.parts)


def read_design(file: StudyFile, groups: Groups) -> dict[str, Any]:
    """Return the study's `factors` and, where they are not the default, design, exclude, parts.

    Raises ConfigError for a design that cannot be, and for a factor of two parts.
    """
    if not file.parts:
        part, factors = _read_part(file, "", groups)
        if part.rows:
            return {"factors": factors, "parts": (part,)}
        return {"factors": factors, "design": part.design, "exclude": part.exclude}
    for key in DesignFile.model_fields:
        if key in file.model_fields_set:
            raise ConfigError(f"{key} stands beside parts; put it into one of them.")
    parts: dict[str, Part] = {}
    everything: dict[str, Factor] = {}
    for one in file.parts:
        if one.name in parts:
            raise ConfigError(f"two parts are called '{one.name}'; each needs its name.")
        with within(f"part '{one.name}'"):
            check_overrides(one.baseline, groups, "baseline", of_all_cells=False)
            part, factors = _read_part(one, one.name, groups)
        parts[one.name] = part.model_copy(update={"baseline": one.baseline})
        for factor in factors:
            if factor.name in everything:
                raise ConfigError(
                    f"factor '{factor.name}' is in two parts; give it another name in one of "
                    "them, with its config key as key."
                )
            everything[factor.name] = factor
    return {"factors": tuple(everything.values()), "parts": tuple(parts.values())}


def _read_part(file: DesignFile, name: str, groups: Groups) -> tuple[Part, tuple[Factor, ...]]:
    kind, written = file.design.kind, file.factors or {}
    of_components = kind in _LABELS
    needed, needless = ("components", "factors") if of_components else ("factors", "components")
    if getattr(file, needless) is not None:
        raise ConfigError(f"design {kind} has {needed}, not {needless}.")
    if isinstance(file, PartFile) and file.label is not None and not of_components:
        raise ConfigError(f"label is what tables call components, and design {kind} has none.")
    if not getattr(file, needed):
        raise ConfigError(f"{needed} is missing or empty; design {kind} needs at least one.")
    rows: tuple[tuple[str, ...], ...] = ()
    if of_components:
        factors = [_components(file, name or _COMPONENT, groups)]
    elif isinstance(file.design, Drawn):
        factors, rows = _drawn(written, file.design, groups)
    else:
        factors = [read_factor(factor, value, groups) for factor, value in written.items()]
    for place, factor in enumerate(factors):
        if factor.when and kind != "grid":
            raise ConfigError(f"factor '{factor.name}' has when, which needs design grid.")
        check_levels(factor.when, factors[:place], f"factor '{factor.name}': when")
    exclude = tuple(_rule(rule, factors) for rule in file.exclude)
    names = tuple(factor.name for factor in factors)
    return Part(name=name, design=kind, factors=names, exclude=exclude, rows=rows), tuple(factors)


def _components(file: DesignFile, name: str, groups: Groups) -> Factor:
    """Return the factor of a ladder (each component added) or of a system less one component."""
    ladder = file.design if isinstance(file.design, Added) else None
    levels = [Level(name=ladder.first if ladder else "full", overrides={})]
    sum_of_all: dict[str, Any] = {}
    for component, overrides in (file.components or {}).items():
        where = f"component '{level_name(component)}'"
        if not isinstance(component, str):
            raise ConfigError(f"{where}: the name is not a text; put it in quotes.")
        level = read_level(f"without {component}", overrides, groups, where)
        if ladder:
            sum_of_all = layered([sum_of_all, overrides], groups)
            level = Level(name=f"+ {component}", overrides=sum_of_all)
        levels.append(level)
    label = file.label if isinstance(file, PartFile) else None
    return Factor(name=name, label=label or _LABELS[file.design.kind], levels=tuple(levels))


def _drawn(
    written: Mapping[str, FactorFile], design: Drawn, groups: Groups
) -> tuple[list[Factor], tuple[tuple[str, ...], ...]]:
    """Return factors with the levels that were drawn, and the cells as rows of level names."""
    factors, columns = [], []
    for name, factor in written.items():
        values = draw(name, factor, design.cells, design.seed, f"factor '{name}'")
        chosen = factor.levels is not None
        if not chosen:
            axis = factor.axis or ("log" if factor.distribution == "loguniform" else "linear")
            factor = factor.model_copy(update={"levels": sorted(set(values)), "axis": axis})
        read = read_factor(name, factor, groups, of_draws=True)
        factors.append(read)
        columns.append([read.levels[v].name if chosen else level_name(v) for v in values])
    # Few choices may be drawn twice; a cell is one all the same.
    return factors, tuple(dict.fromkeys(zip(*columns, strict=True)))


def _rule(written: Mapping[str, Any], factors: list[Factor]) -> Rule:
    rule = {name: named_levels(levels) for name, levels in written.items()}
    if not rule:
        raise ConfigError("exclude: a rule is empty, and would leave out everything.")
    check_levels(rule, factors, "exclude")
    return rule
