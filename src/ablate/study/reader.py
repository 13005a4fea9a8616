"""Reading a study file: from YAML to a `Study`, each slip named in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.config.groups import Groups
from ablate.config.validate import validated
from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError, nearest, one_of
from ablate.metrics import SCORES, SPLITS
from ablate.study.claim_file import read_claims
from ablate.study.factors import check_overrides, listed, mapping
from ablate.study.items import ITEMS, Item, OfPart
from ablate.study.parts import DESIGN_KEYS, own_settings, read_design
from ablate.study.schema import Metric, Study, Tune

_KEYS = (
    "question", "source", "baseline", *DESIGN_KEYS, "parts", "claims", "replicates", "metric",
    "smallest_effect", "tune", "report", "caveats", "quick",
)  # fmt: skip
_PLAIN = ("question", "source", "replicates", "smallest_effect", "caveats")
_REQUIRED = ("question", "baseline", "replicates", "report")


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
    content = mapping(read_yaml(path), where)
    for key in content:
        if key not in _KEYS:
            raise ConfigError(
                f"{where}: unknown key '{key}'; a study has {one_of(_KEYS)}.{nearest(key, _KEYS)}"
            )
    for key in _REQUIRED:
        if key not in content:
            raise ConfigError(f"{where}: '{key}' is missing.")
    baseline = mapping(content["baseline"], f"{where}: baseline")
    quick = mapping(content.get("quick", {}), f"{where}: quick")
    groups = groups.open(baseline, *own_settings(content))
    check_overrides(baseline, groups, f"{where}: baseline")
    check_overrides(quick, groups, f"{where}: quick")
    fields = {
        **{key: content[key] for key in _PLAIN if key in content},
        "name": path.stem,
        "baseline": baseline,
        "quick": quick,
        **read_design(content, groups, where),
        "metric": read_metric(content.get("metric", "test/accuracy"), where),
        "tune": _read_tune(content["tune"], groups, where) if content.get("tune") else None,
        "report": [
            _read_item(item, where) for item in listed(content["report"], f"{where}: report")
        ],
    }
    study = validated(Study, fields, where)
    if "claims" in content:
        claims = read_claims(content["claims"], study, where)
        study = study.model_copy(update={"claims": tuple(claims)})
    _check_items(study, where)
    return study


def read_metric(value: Any, where: str) -> Metric:
    """Read `test/accuracy` and its like, or `{name, from, better, when_not_converged}`."""
    if isinstance(value, Mapping):
        return _own_metric(value, f"{where}: metric")
    split, _, quantity = value.partition("/") if isinstance(value, str) else ("", "", "")
    if split not in SPLITS or quantity not in SCORES:
        raise ConfigError(
            f"{where}: metric '{value}' is not known; write one of {one_of(SPLITS)}, a slash, "
            f"and one of {one_of(SCORES)}, or {{name, from, better, when_not_converged}}."
        )
    return validated(Metric, {"name": value, "better": SCORES[quantity].better}, where)


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


def _read_tune(value: Any, groups: Groups, where: str) -> Tune:
    where = f"{where}: tune"
    options = dict(mapping(value, where))
    settings = mapping(options.pop("with", {}), f"{where}.with")
    if len(options) != 1:
        raise ConfigError(f"{where}: name exactly one key to tune, such as optimizer.lr.")
    ((key, values),) = options.items()
    groups.check_key(key, where)
    fields = {"key": key, "values": [float(v) if isinstance(v, int) else v
                                     for v in listed(values, where)], **settings}  # fmt: skip
    return validated(Tune, fields, where)


def _read_item(item: Any, where: str) -> Item:
    where = f"{where}: report"
    named = {item: {}} if isinstance(item, str) else mapping(item, where)
    if len(named) != 1:
        raise ConfigError(
            f"{where}: an item has one name, not {one_of(named) if named else 'none'}; write "
            "its options as a mapping behind it: ladder: {against: first}."
        )
    ((kind, options),) = named.items()
    if kind not in ITEMS:
        raise ConfigError(
            f"{where}: there is no '{kind}'; allowed are {one_of(ITEMS)}."
            f"{nearest(str(kind), ITEMS)}"
        )
    options = mapping({} if options is None else options, f"{where}: {kind}")
    known = list(ITEMS[kind].model_fields)
    for option in options:
        if option not in known:
            has = f"it has {one_of(known)}" if known else "it has none"
            raise ConfigError(
                f"{where}: {kind} has no option '{option}'; {has}.{nearest(str(option), known)}"
            )
    return validated(ITEMS[kind], options, f"{where}: {kind}")


def _check_items(study: Study, where: str) -> None:
    """Raise ConfigError for a table or figure that names a factor the study lacks."""
    names = [factor.name for factor in study.factors]
    for item in study.report:
        for name, kept in item.kept().items():
            known = [lv.name for lv in study.factor(name).levels] if name in names else []
            for level in kept:
                if level not in known:
                    raise ConfigError(
                        f"{where}: report: {item.kind} has only: {name}: {level}, which is no "
                        f"level of the study."
                    )
        part = item.part if isinstance(item, OfPart) else None
        known = [part.name for part in study.parts]
        if part is not None and part not in known:
            has = f"its parts are {one_of(known)}" if known else "it has no parts"
            raise ConfigError(f"{where}: report: {item.kind} has part: {part}; {has}.")
        for option, value in item.named().items():
            if value not in names:
                raise ConfigError(
                    f"{where}: report: {item.kind} has {option}: {value}, which is no factor of "
                    f"the study; its factors are {one_of(names)}."
                )
