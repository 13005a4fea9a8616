"""Reading a study file: from YAML to a `Study`, each slip named in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.config.groups import Groups
from ablate.config.target import TARGET, is_own
from ablate.config.validate import validated
from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError, nearest, one_of
from ablate.study.schema import REPORT_KINDS, Factor, Level, Metric, ReportItem, Study, Tune

_KEYS = (
    "question", "source", "baseline", "design", "factors", "replicates", "metric",
    "smallest_effect", "tune", "report", "caveats", "quick",
)  # fmt: skip
_REQUIRED = ("question", "baseline", "factors", "replicates", "report")
_SPLITS = ("train", "validation", "test")
_QUANTITIES = {"accuracy": "higher", **dict.fromkeys(("loss", "nll", "brier", "ece"), "lower")}


def find_study(name: str, folders: tuple[Path, ...]) -> Path:
    """Return the file of a study: a path to a YAML file, or a name in a `study/` folder.

    Raises ConfigError naming the nearest study there is.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise ConfigError(f"study={name}: there is no such file.")
        return path.resolve()
    studies = study_files(folders)
    if name not in studies:
        raise ConfigError(
            f"study={name}: there is no such study; known are {one_of(studies)}, "
            f"or give the path of a YAML file.{nearest(name, studies)}"
        )
    return studies[name]


def study_files(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Return every named study's file, by name in alphabetical order."""
    files = {path.stem: path for folder in folders for path in folder.glob("study/*.yaml")}
    return dict(sorted(files.items()))


def read_study(path: Path, groups: Groups) -> Study:
    """Read and check a study file; the file's name is the study's name.

    Raises ConfigError for an unknown key, a factor that is no config key, a level name that is
    no text, or a value of the wrong type. Whether every cell is valid is for the plan to say.
    """
    where = f"study file {path.name}"
    content = _mapping(read_yaml(path), where)
    for key in content:
        if key not in _KEYS:
            raise ConfigError(
                f"{where}: unknown key '{key}'; a study has {one_of(_KEYS)}.{nearest(key, _KEYS)}"
            )
    for key in _REQUIRED:
        if key not in content:
            raise ConfigError(f"{where}: '{key}' is missing.")
    baseline = _mapping(content["baseline"], f"{where}: baseline")
    quick = _mapping(content.get("quick", {}), f"{where}: quick")
    factors = _mapping(content["factors"], f"{where}: factors")
    groups = groups.open(baseline, *_settings(factors))
    check_overrides(baseline, groups, f"{where}: baseline")
    check_overrides(quick, groups, f"{where}: quick")
    if not factors:
        raise ConfigError(f"{where}: factors is empty; name at least one config key to vary.")
    fields = {
        **content,
        "name": path.stem,
        "baseline": baseline,
        "quick": quick,
        "factors": [
            read_factor(name, value, groups, f"{where}: factor '{name}'")
            for name, value in factors.items()
        ],
        "metric": read_metric(content.get("metric", "test/accuracy"), where),
        "tune": _read_tune(content["tune"], groups, where) if content.get("tune") else None,
        "report": [_read_item(item, where) for item in _listed(content["report"], where)],
    }
    study = validated(Study, fields, where)
    _check_items(study, where)
    return study


def _settings(factors: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the levels set, as far as it has the form of a mapping."""
    found: list[Mapping[str, Any]] = []
    for name, value in factors.items():
        options = value if isinstance(value, Mapping) else {"levels": value}
        levels, key = options.get("levels"), options.get("key", name)
        if isinstance(levels, Mapping):
            found += [v if isinstance(v, Mapping) else {key: v} for v in levels.values()]
            found += [{key: v} for v in levels.values()]
        elif isinstance(levels, list):
            found += [{key: value} for value in levels]
    return found


def read_factor(name: str, value: Any, groups: Groups, where: str) -> Factor:
    """Read `init.scale: [...]`, `{key, levels, label, axis}` or levels that set several keys."""
    options = value if isinstance(value, Mapping) else {"levels": value}
    allowed = ("key", "levels", "label", "axis")
    for option in options:
        if option not in allowed:
            raise ConfigError(f"{where}: unknown key '{option}'; a factor has {one_of(allowed)}.")
    if "levels" not in options:
        raise ConfigError(f"{where}: 'levels' is missing.")
    key = options.get("key", name)
    levels = options["levels"]
    if isinstance(levels, Mapping):
        read = [_named_level(n, v, key, groups, where) for n, v in levels.items()]
    else:
        groups.check_key(key, where)
        read = [_level(level_name(v), {key: v}, groups, where) for v in _listed(levels, where)]
    if not read:
        raise ConfigError(f"{where}: it has no levels.")
    names = [level.name for level in read]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ConfigError(f"{where}: level '{twice}' is given twice.")
    label = options.get("label", key.rpartition(".")[2].replace("_", " "))
    fields = {"name": name, "label": label, "axis": options.get("axis", "category"), "levels": read}
    return validated(Factor, fields, where)


def read_metric(value: Any, where: str) -> Metric:
    """Read `test/accuracy` and its like, or `{name, from, better, when_not_converged}`."""
    if isinstance(value, Mapping):
        return _own_metric(value, f"{where}: metric")
    split, _, quantity = value.partition("/") if isinstance(value, str) else ("", "", "")
    if split not in _SPLITS or quantity not in _QUANTITIES:
        raise ConfigError(
            f"{where}: metric '{value}' is not known; write one of {one_of(_SPLITS)}, a slash, "
            f"and one of {one_of(_QUANTITIES)}, or {{name, from, better, when_not_converged}}."
        )
    return validated(Metric, {"name": value, "better": _QUANTITIES[quantity]}, where)


def _own_metric(value: Mapping[str, Any], where: str) -> Metric:
    """Read a metric that is a function of the user's own, or that their training returns."""
    known = ("name", "from", "better", "when_not_converged")
    for key in value:
        if key not in known:
            raise ConfigError(f"{where}: unknown key '{key}'; a metric has {one_of(known)}.")
    for key in ("name", "better"):
        if key not in value:
            raise ConfigError(f"{where}: '{key}' is missing; say {key}: "
                              f"{'a word' if key == 'name' else 'higher or lower'}.")  # fmt: skip
    fields = {"function" if key == "from" else key: item for key, item in value.items()}
    return validated(Metric, fields, where)


def check_overrides(overrides: Mapping[str, Any], groups: Groups, where: str) -> None:
    """Raise ConfigError for a key or a group's option that does not exist."""
    for key, value in overrides.items():
        if not isinstance(key, str):
            raise ConfigError(f"{where}: key {key} is not a text.")
        groups.check_override(key, value, where)


def level_name(value: Any) -> str:
    """Return the name that a bare value gets as a level: `0.1`, `true`, `relu`."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "-".join(level_name(item) for item in value)
    if isinstance(value, Mapping) and TARGET in value:
        return str(value[TARGET]).rpartition(".")[2]
    return str(value)


def _named_level(name: Any, value: Any, key: str, groups: Groups, where: str) -> Level:
    if not isinstance(name, str):
        raise ConfigError(
            f"{where}: level name {level_name(name)} is not a text; put it in quotes."
        )
    sets_several = isinstance(value, Mapping) and not is_own(key, value)
    overrides = value if sets_several else {key: value}
    return _level(name, overrides, groups, f"{where}, level '{name}'")


def _level(name: str, overrides: Mapping[str, Any], groups: Groups, where: str) -> Level:
    check_overrides(overrides, groups, where)
    return validated(Level, {"name": name, "overrides": dict(overrides)}, where)


def _read_tune(value: Any, groups: Groups, where: str) -> Tune:
    where = f"{where}: tune"
    options = dict(_mapping(value, where))
    settings = _mapping(options.pop("with", {}), f"{where}.with")
    if len(options) != 1:
        raise ConfigError(f"{where}: name exactly one key to tune, such as optimizer.lr.")
    ((key, values),) = options.items()
    groups.check_key(key, where)
    fields = {"key": key, "values": [float(v) if isinstance(v, int) else v
                                     for v in _listed(values, where)], **settings}  # fmt: skip
    return validated(Tune, fields, where)


def _read_item(item: Any, where: str) -> ReportItem:
    where = f"{where}: report"
    kind, options = (
        (item, {}) if isinstance(item, str) else next(iter(_mapping(item, where).items()))
    )
    if kind not in REPORT_KINDS:
        raise ConfigError(
            f"{where}: there is no '{kind}'; allowed are {one_of(REPORT_KINDS)}."
            f"{nearest(str(kind), REPORT_KINDS)}"
        )
    return validated(ReportItem, {"kind": kind, "options": _mapping(options, where)}, where)


def _check_items(study: Study, where: str) -> None:
    """Raise ConfigError for a table or figure that names a factor the study lacks."""
    names = [factor.name for factor in study.factors]
    for item in study.report:
        for name, kept in _mapping(item.options.get("only", {}), f"{where}: only").items():
            known = [lv.name for lv in study.factor(name).levels] if name in names else []
            for level in _listed(kept, f"{where}: only.{name}"):
                if level not in known:
                    raise ConfigError(
                        f"{where}: report: {item.kind} has only: {name}: {level}, which is no "
                        f"level of the study."
                    )
        for option in ("rows", "columns", "lines", "panels", "best"):
            value = item.options.get(option)
            if value is not None and value not in names:
                raise ConfigError(
                    f"{where}: report: {item.kind} has {option}: {value}, which is no factor of "
                    f"the study; its factors are {one_of(names)}."
                )


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a mapping of keys, not {level_name(value)}.")
    return value


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} must be a list, not {level_name(value)}.")
    return list(value)
