"""What a command line asks of a study: the file, its overrides, and the name of the result."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.config.compose import Composed, as_override, parse_override
from ablate.config.groups import Groups, Override, layered, split_own
from ablate.config.target import is_own
from ablate.config.training import RUNTIME_FIELDS
from ablate.errors import ConfigError
from ablate.study.factors import level_name
from ablate.study.schema import Factor, Level, Study

#: Given with --quick: digits, few replicates and epochs, seconds instead of minutes.
_QUICK: Mapping[str, Any] = {
    "data": "digits",
    "data.train_size": None,
    "data.validation_size": 237,
    "data.test_size": None,
    "trainer.epochs": 2,
}
#: Likewise where the data is the user's own.
_QUICK_OWN: Mapping[str, Any] = {
    "data.at_most": 500,
    "data.train_size": None,
    "data.validation_size": None,
    "data.test_size": None,
    "trainer.epochs": 2,
}
_QUICK_REPLICATES = 2
_QUICK_TUNE_VALUES = 2


@dataclass(frozen=True)
class Request:
    """A study with the command line laid over it, ready to be composed.

    overrides  what Hydra composes: the baseline's and then the command line's
    explicit   the same as pairs, in order, with those of the user's own code
    changed    whether the command line changes what the study's cells are
    """

    study: Study
    overrides: tuple[str, ...]
    explicit: tuple[Override, ...]
    changed: bool


def request(
    study: Study,
    arguments: Sequence[str],
    groups: Groups,
    *,
    name: str | None = None,
    quick: bool = False,
    file: str | None = None,
) -> Request:
    """Lay command-line `arguments` (`key=value`) over a study.

    A comma list on a factor's own key replaces its levels; on another key it adds a grid factor;
    a single value on a factor's key is refused. Whatever changes results gives the study a name
    of its own, so that nothing mixes with the real one; `name` overrules it. The name of a quick
    version ends in -quick. `file` is what the
    command line called the study, where that is not its name.

    Raises ConfigError for an unknown key or option and for values that fit no rule.
    """
    where, typed = f"study {study.name}", file or study.name
    layers: list[Mapping[str, Any]] = [study.baseline]
    if quick:
        layers.append({**_quick_overrides(study), **study.quick})
        study = _quick(study)
    parsed = [parse_override(argument) for argument in arguments]
    groups = groups.open(study.baseline, *(level.overrides for f in study.factors
                         for level in f.levels), *(_asked(*one) for one in parsed))  # fmt: skip
    baseline = layered(layers, groups)
    fixed: dict[str, Any] = {}
    parts: list[str] = []
    for argument, (key, value, several) in zip(arguments, parsed, strict=True):
        if key.startswith("hydra"):
            raise ConfigError(f"'{argument}': hydra settings are fixed within a study.")
        for one in value if several else [value]:
            groups.check_override(key, one, f"'{argument}'")
        if key == "replicates" and not several:
            study = _with_replicates(study, value)
            continue
        if several:
            study = _with_levels(study, key, value)
        else:
            _refuse_single_level(study, key, value)
            fixed[key] = value
        if not _is_runtime(key) and (several or value != baseline.get(key)):
            parts.append(_slug(key, value))
    own_name = name or "-".join([study.name, *parts])
    if quick and not own_name.endswith("-quick"):
        own_name += "-quick"  # by which .gitignore knows its report
    study = study.model_copy(update={"name": own_name, "is_quick": quick})
    asked = [word for word in arguments if not _is_runtime(parse_override(word)[0])]
    words = [*(["--quick"] if quick else []), *asked]
    words += [f"study.name={name}"] if name else []
    words += ["study.aa=true"] if study.control else []
    command = f"ablate sweep study={typed} {shlex.join(words)}".strip() if words or file else ""
    merged = layered([baseline, fixed], groups)
    groups.check_fields(merged, where)
    explicit = tuple(merged.items())
    study = study.model_copy(update={"baseline": merged, "command": command})
    composed, _ = split_own(explicit)
    overrides = tuple(as_override(k, v) for k, v in composed)
    return Request(study, overrides, explicit, quick or bool(parts))


def adhoc(composed: Composed, groups: Groups, name: str, replicates: int) -> Study:
    """Return the study of a multirun without a study file: the swept keys are its factors."""
    for key, values in composed.swept.items():
        for value in values:
            groups.check_override(key, value, key)
    swept = " × ".join(composed.swept)
    return Study.model_validate(
        {
            "name": name,
            "question": f"What do {swept} change?" if swept else "A single cell.",
            "baseline": {},
            "factors": [_factor(key, values) for key, values in composed.swept.items()],
            "replicates": replicates,
            "metric": {"name": "test/accuracy", "better": "higher"},
            "report": [],
        }
    )


def _asked(key: str, value: Any, several: bool) -> Mapping[str, Any]:
    """Return an override as a layer; of several values the first that is the user's own."""
    own = [one for one in value if is_own(key, one)] if several else []
    return {key: own[0] if own else value}


def _quick_overrides(study: Study) -> Mapping[str, Any]:
    """Return what --quick sets: the digits, or less of the user's own data; few epochs."""
    own = is_own("data", study.baseline.get("data"))
    trains = not is_own("trainer", study.baseline.get("trainer"))
    overrides = _QUICK_OWN if own else _QUICK
    return {key: v for key, v in overrides.items() if trains or not key.startswith("trainer.")}


def _quick(study: Study) -> Study:
    update: dict[str, Any] = {"replicates": min(study.replicates, _QUICK_REPLICATES)}
    if study.tune:
        values = study.tune.values
        kept = values[:: max(1, len(values) // _QUICK_TUNE_VALUES)][:_QUICK_TUNE_VALUES]
        update["tune"] = study.tune.model_copy(update={"values": kept, "replicates": 1})
    return study.model_copy(update=update)


def _with_replicates(study: Study, value: Any) -> Study:
    if value is None:
        return study
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(
            f"replicates={level_name(value)} is not allowed: it must be a whole number, at least 1."
        )
    return study.model_copy(update={"replicates": value})


def _with_levels(study: Study, key: str, values: Sequence[Any]) -> Study:
    if key == "replicates" or _is_runtime(key):
        raise ConfigError(f"{key} takes one value: it changes no result, so it is no factor.")
    factor = _factor(key, values)
    for index, own in enumerate(study.factors):
        if key == own.name or all(set(level.overrides) == {key} for level in own.levels):
            known = {tuple(level.overrides.items()): level for level in own.levels}
            levels = tuple(known.get(tuple(lv.overrides.items()), lv) for lv in factor.levels)
            changed = own.model_copy(update={"levels": levels})
            factors = (*study.factors[:index], changed, *study.factors[index + 1 :])
            return study.model_copy(update={"factors": factors})
    return study.model_copy(update={"factors": (*study.factors, factor)})


def _refuse_single_level(study: Study, key: str, value: Any) -> None:
    for factor in study.factors:
        if key == factor.name or all(key in level.overrides for level in factor.levels):
            raise ConfigError(
                f"{key}={level_name(value)}: the study varies {key} as factor '{factor.name}'; "
                f"give several values, separated by commas, to replace its levels."
            )
    if study.tune and key == study.tune.key:
        raise ConfigError(f"{key}={level_name(value)}: the study tunes {key} in every cell.")


def _factor(key: str, values: Sequence[Any]) -> Factor:
    levels = [Level(name=level_name(value), overrides={key: value}) for value in values]
    label = key.rpartition(".")[2].replace("_", " ")
    return Factor(name=key, label=label, levels=tuple(levels))


def _is_runtime(key: str) -> bool:
    group, _, name = key.partition(".")
    return group in ("launch", "paths") or name in RUNTIME_FIELDS.get(group, ())


def _slug(key: str, value: Any) -> str:
    text = "-".join(level_name(v) for v in value) if isinstance(value, list) else level_name(value)
    name = key.rpartition(".")[2] if "." in key or key == "seed" else ""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", f"{name}{text}")
