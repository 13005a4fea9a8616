"""What a command line asks of a study: the file, its overrides, and the name of the result."""

import re
import shlex
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablate.config.compose import Composed, Word, as_override
from ablate.config.groups import Groups, Override, layered, split_user_code
from ablate.config.target import is_user_code
from ablate.config.trainer import RUNTIME_FIELDS
from ablate.errors import ConfigError
from ablate.study.looks import check_decides, read_replicates
from ablate.study.names import check_study_name, level_name, shortened
from ablate.study.schema import Factor, Metric, Study

#: Of a study: what it is without a word, or what `--quick` or `--full` makes of it.
Size = Literal["", "quick", "full"]
#: Given with --quick: digits, few replicates and epochs, seconds instead of minutes.
_QUICK: Mapping[str, Any] = {
    "data": "digits",
    "data.train_size": None,
    "data.validation_size": 237,
    "data.test_size": None,
    "trainer.epochs": 2,
    "trainer.steps": None,
}
#: Likewise where the data is the user's own.
_QUICK_OWN: Mapping[str, Any] = {
    "data.at_most": 500,
    "data.train_size": None,
    "data.validation_size": None,
    "data.test_size": None,
    "trainer.epochs": 2,
    "trainer.steps": None,
}
#: Likewise where the data is small, lies within reach, and is for another task than digits are.
_QUICK_SMALL: Mapping[str, Any] = {"trainer.epochs": 2, "trainer.steps": None}
_SMALL = ("diabetes", "friedman", "unequal_scales", "grammar")
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
    arguments: Sequence[Word],
    groups: Groups,
    *,
    name: str | None = None,
    size: Size = "",
    file: str | None = None,
) -> Request:
    """Lay command-line `arguments` over a study.

    A comma list on a factor's own key replaces its levels; on another key it adds a grid factor;
    a single value on a factor's key is refused. Whatever changes results gives the study a name
    of its own, so that nothing mixes with the real one; `name` overrules it. That of another `size`
    ends in -quick or -full. `file` is what the command line called the study, where that is not its
    name.

    Raises ConfigError for an unknown key or option and for values that fit no rule.
    """
    if name is None:
        check_study_name(study.name, f"study '{study.name}', the name of its file,")
    layers: list[Mapping[str, Any]] = [study.baseline]
    if size == "quick":
        layers.append({**_quick_overrides(study), **study.quick})
        study = _quick(study)
    elif size == "full":
        layers.append({key: v for key, v in study.full.items() if key != "replicates"})
        study = _full(study)
    levels = [level.overrides for factor in study.factors for level in factor.levels]
    asked = [{word.key: value} for word in arguments for value in word.values]
    groups = groups.open(study.baseline, *levels, *asked)
    baseline = layered(layers, groups)
    fixed: dict[str, Any] = {}
    runtime: dict[str, Any] = {}  # how it is run is no part of what is declared
    for word in arguments:
        if word.key.startswith("hydra"):
            raise ConfigError(f"'{word.text}': hydra settings are fixed within a study.")
        for value in word.values:
            groups.check_override(word.key, value, f"'{word.text}'")
        if word.several:
            study = _with_levels(study, word.key, word.values)
        elif word.key == "replicates":
            study = _with_replicates(study, word.value)
        else:
            _refuse_single_level(study, word.key, word.value)
            (runtime if _is_runtime(word.key) else fixed)[word.key] = word.value
    declared = [word for word in arguments if not _is_runtime(word.key)]
    changes = [
        _slug(word.key, word.value)
        for word in declared
        if word.several or (word.key in fixed and word.value != baseline.get(word.key))
    ]
    own_name = name or shortened("-".join([study.name, *changes]))
    if size and not own_name.endswith(f"-{size}"):
        own_name += f"-{size}"  # by which .gitignore knows the report of a quick one
    merged = layered([baseline, fixed], groups)
    groups.check_fields(merged | runtime, f"study {study.name}")
    explicit = tuple((merged | runtime).items())
    overrides = tuple(as_override(key, value) for key, value in split_user_code(explicit)[0])
    words = [*([f"--{size}"] if size else []), *(word.text for word in declared)]
    words += [f"study.name={name}"] if name else []
    words += ["study.aa=true"] if study.control else []
    typed = f"ablate sweep study={file or study.name} {shlex.join(words)}".strip()
    command = typed if words or file else ""
    laid = {"name": own_name, "is_quick": size == "quick", "baseline": merged, "command": command}
    changed = size == "quick" or bool(changes)
    return Request(study.model_copy(update=laid), overrides, explicit, changed)


def adhoc(composed: Composed, groups: Groups, name: str) -> Study:
    """Return the study of a multirun without a study file: the swept keys are its factors."""
    for key, values in composed.swept.items():
        for value in values:
            groups.check_override(key, value, key)
    swept = " × ".join(composed.swept)
    study = Study(
        name=name,
        question=f"What do {swept} change?" if swept else "A single cell.",
        baseline={},
        factors=tuple(_factor(key, values) for key, values in composed.swept.items()),
        replicates=1,
        metric=Metric(name="test/accuracy", better="higher"),
        report=(),
    )
    replicates = composed.base.get("replicates")
    return study if replicates is None else _with_replicates(study, replicates)


def _quick_overrides(study: Study) -> Mapping[str, Any]:
    """Return what --quick sets: the digits, or less of the user's own data; few epochs."""
    source = study.baseline.get("data")
    trains = not is_user_code("trainer", study.baseline.get("trainer"))
    overrides = _QUICK_OWN if is_user_code("data", source) else _QUICK
    overrides = _QUICK_SMALL if source in _SMALL else overrides
    if source in ("mnist_pairs", "digits_pairs"):
        overrides = {**_QUICK, "data": "digits_pairs"}  # else there is nothing to predict beside
    return {key: v for key, v in overrides.items() if trains or not key.startswith("trainer.")}


def _quick(study: Study) -> Study:
    update: dict[str, Any] = {
        "replicates": min(study.replicates, _QUICK_REPLICATES),
        "looks": (),
        "factors": tuple(_on_quick_data(factor) for factor in study.factors),
    }
    if study.tune:
        values = study.tune.values
        kept = values[:: max(1, len(values) // _QUICK_TUNE_VALUES)][:_QUICK_TUNE_VALUES]
        few = {} if study.tune.nested else {"replicates": 1}
        update["tune"] = study.tune.model_copy(update={"values": kept, **few})
    return study.model_copy(update=update)


def _full(study: Study) -> Study:
    if not study.full:
        raise ConfigError(
            f"--full: study {study.name} has one size, the one without --full; its file may say "
            "under full what is larger."
        )
    replicates = study.full.get("replicates")
    return study if replicates is None else _with_replicates(study, replicates)


def _on_quick_data(factor: Factor) -> Factor:
    """Return a factor whose levels set data beside other keys without it: a clone has only digits.

    Where levels differ in nothing but data it is the question, and stays.
    """
    named = any(isinstance(level.overrides.get("data"), str) for level in factor.levels)
    rest = [
        {key: value for key, value in level.overrides.items() if key.partition(".")[0] != "data"}
        for level in factor.levels
    ]
    if not named or any(one in rest[:i] or not one for i, one in enumerate(rest)):
        return factor
    pairs = zip(factor.levels, rest, strict=True)
    levels = tuple(level.model_copy(update={"overrides": one}) for level, one in pairs)
    return factor.model_copy(update={"levels": levels})


def _with_replicates(study: Study, value: Any) -> Study:
    looks = read_replicates(value)
    several = looks if len(looks) > 1 else ()
    check_decides(several, study.claims)
    return study.model_copy(update={"replicates": looks[-1], "looks": several})


def _with_levels(study: Study, key: str, values: Sequence[Any]) -> Study:
    if key == "replicates" or _is_runtime(key):
        raise ConfigError(f"{key} takes one value: it changes no result, so it is no factor.")
    factor = _factor(key, values)
    for own in study.factors:
        if key == own.name or all(set(level.overrides) == {key} for level in own.levels):
            levels = [
                next((one for one in own.levels if one.overrides == asked.overrides), asked)
                for asked in factor.levels
            ]
            factor = own.model_copy(update={"levels": tuple(levels)})
            break
    factors = {one.name: one for one in study.factors} | {factor.name: factor}
    return study.model_copy(update={"factors": tuple(factors.values())})


def _factor(key: str, values: Sequence[Any]) -> Factor:
    factor = Factor.of_key(key, values)
    factor.check_names_differ(key)
    return factor


def _refuse_single_level(study: Study, key: str, value: Any) -> None:
    for factor in study.factors:
        if key == factor.name or factor.sets(key):
            raise ConfigError(
                f"{key}={level_name(value)}: the study varies {key} as factor '{factor.name}'; "
                f"give several values, separated by commas, to replace its levels."
            )
    if study.tune and key == study.tune.key:
        raise ConfigError(f"{key}={level_name(value)}: the study tunes {key} in every cell.")


def _is_runtime(key: str) -> bool:
    group, _, name = key.partition(".")
    return group in ("launch", "paths") or name in RUNTIME_FIELDS.get(group, ())


def _slug(key: str, value: Any) -> str:
    name = key.rpartition(".")[2] if "." in key or key == "seed" else ""
    text = f"{name}{level_name(value)}"
    clean = re.sub(r"[^A-Za-z0-9._+-]+", "-", text)
    # Other values must not have the same name.
    return clean if clean == text else f"{clean}-{zlib.crc32(text.encode()):08x}"
