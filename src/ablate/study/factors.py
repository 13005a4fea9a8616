"""From factors as they are written to factors with named levels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import is_user_code
from ablate.errors import ConfigError, one_of
from ablate.study.claims import Rule
from ablate.study.file import FactorFile
from ablate.study.names import key_label, level_name, named_levels
from ablate.study.schema import ABSENT, Factor, Level

#: Keys of the command line that no set of config keys in a study file has, and where they belong.
_ELSEWHERE = {
    "replicates": "it is a key of the study file itself, beside baseline",
    "paths": "give the folder on the command line, as --root PATH",
    "study": "it names a study on the command line",
}


def settings(name: str, factor: FactorFile) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield what each level is called and what it sets: the factor's key, or several."""
    key, levels = factor.key or name, factor.levels
    if not isinstance(levels, Mapping):
        yield from ((level_name(value), {key: value}) for value in levels or ())
        return
    for level, value in levels.items():
        sets_several = isinstance(value, Mapping) and not is_user_code(key, value)
        yield level, value if sets_several else {key: value}


def read_factor(name: str, written: FactorFile, groups: Groups, of_draws: bool = False) -> Factor:
    """Return a factor with its levels.

    Raises ConfigError for an unknown key, or a level name that is no text or given twice.
    """
    where, key = f"factor '{name}'", written.key or name
    if written.levels is None:
        raise ConfigError(f"{where}: 'levels' is missing.")
    for field in () if of_draws else ("distribution", "low", "high"):
        if getattr(written, field) is not None:
            raise ConfigError(f"{where}: {field} has no place beside its levels; drop {field}.")
    named = isinstance(written.levels, Mapping)
    if written.key is not None or not named:
        groups.check_key(key, where)
    levels = []
    for level, overrides in settings(name, written):
        if not isinstance(level, str):
            raise ConfigError(
                f"{where}: level name {level_name(level)} is not a text; put it in quotes."
            )
        here = f"{where}, level '{level}'" if named else where
        levels.append(read_level(level, overrides, groups, here))
    if not levels:
        raise ConfigError(f"{where}: it has no levels.")
    when = {factor: named_levels(allowed) for factor, allowed in written.when.items()}
    if when:
        levels.append(Level(name=ABSENT, overrides={}))
    factor = Factor(
        name=name, label=written.label or key_label(key), axis=written.axis or "category",
        levels=tuple(levels), when=when,
    )  # fmt: skip
    factor.check_names_differ(where)
    return factor


def read_level(name: str, overrides: Mapping[str, Any], groups: Groups, where: str) -> Level:
    """Return a level; raises ConfigError for a key or option that does not exist."""
    check_overrides(overrides, groups, where, of_all_cells=False)
    return Level(name=name, overrides=dict(overrides))


def check_overrides(
    overrides: Mapping[str, Any], groups: Groups, where: str, of_all_cells: bool = True
) -> None:
    """Raise ConfigError for a key or a group's option that does not exist or is not heard here.

    of_all_cells  false where some cells have other ones: they share workers and device
    """
    for key, value in overrides.items():
        group = str(key).partition(".")[0]
        if group in _ELSEWHERE:
            raise ConfigError(f"{where}: {key} has no place here; {_ELSEWHERE[group]}.")
        if not of_all_cells and (group == "launch" or key == "trainer.device"):
            raise ConfigError(
                f"{where}: {key} is the same in all cells; set it in the study's baseline or on "
                "the command line."
            )
        groups.check_override(key, value, where)


def check_levels(rule: Rule, factors: Sequence[Factor], where: str) -> None:
    """Raise ConfigError where a rule names no factor, or none of its levels."""
    known = {factor.name: factor for factor in factors}
    for name, levels in rule.items():
        if name not in known:
            there = f"; there are {one_of(known)}" if known else ""
            raise ConfigError(f"{where}: '{name}' is no factor before this one{there}.")
        known[name].check_levels(levels, where)
