"""Reading a study file: from YAML to a `Study`, each slip named in one sentence."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablate.config.groups import Groups
from ablate.config.task import BY_VALIDATION
from ablate.config.validate import validated
from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError, check_known, nearest, one_of, within
from ablate.metrics import GAP, NO_METRICS, SCORES, SPLITS, quantity
from ablate.study.claim_file import read_claims
from ablate.study.factors import check_overrides
from ablate.study.file import MetricFile, StudyFile, TuneSettings
from ablate.study.items import OfPart
from ablate.study.looks import check_decides, read_replicates
from ablate.study.names import level_name, named_levels
from ablate.study.parts import all_settings, read_design
from ablate.study.schema import SHARED_TUNING_REPLICATES, Metric, Study, Tune

#: Fields of a study that are what the file says.
_AS_WRITTEN = (
    "question", "source", "baseline", "quick", "full", "smallest_effect", "report", "caveats",
)  # fmt: skip

#: What may stand before a score.
_PLACES = (*SPLITS, GAP)


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
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(
            f"study file {path.name} must be a mapping of keys, not {level_name(content)}."
        )
    with within(f"study file {path.name}"):
        _check_texts(content)
        return _read(path.stem, validated(StudyFile, content), groups)


def _check_texts(value: Any, place: str = "") -> None:
    """Raise ConfigError for signs that steer a terminal and that no picture or page may hold."""
    if isinstance(value, str):
        signs = {sign for sign in value if unicodedata.category(sign) in ("Cc", "Cs")}
        if signs - {"\n", "\t"}:
            raise ConfigError(
                f"{place or 'a key'}: {value!r} is not allowed: it has signs that "
                "cannot be printed."
            )
    pairs = value.items() if isinstance(value, dict) else ()
    items = value if isinstance(value, list) else ()
    for name, inside in (*pairs, *(("", item) for item in items)):
        _check_texts(name, place)
        if "\n" in str(name):
            raise ConfigError(f"{place or 'a key'}: {name!r} is not allowed: a name is one line.")
        _check_texts(inside, f"{place}.{name}".strip("."))


def _read(name: str, file: StudyFile, groups: Groups) -> Study:
    groups = groups.open(*all_settings(file))
    check_overrides(file.baseline, groups, "baseline")
    check_overrides(file.quick, groups, "quick")
    fields = {
        **{field: getattr(file, field) for field in _AS_WRITTEN},
        "name": name,
        "replicates": file.replicates[-1],
        "looks": file.replicates if len(file.replicates) > 1 else (),
        **read_design(file, groups),
        "metric": _metric(file.metric),
        "tune": _tune(file.tune, groups, file.replicates[-1]) if file.tune else None,
    }
    study = validated(Study, fields)
    _check_tuned(study)
    claims = read_claims(file.claims, study)
    check_decides(study.looks, claims)
    _check_full(study, groups, claims)
    _check_items(study)
    _check_headline(file.headline, [claim.name for claim in claims])
    return study.model_copy(update={"claims": claims, "headline": file.headline})


def _check_headline(headline: Sequence[str], claims: Sequence[str]) -> None:
    """Raise ConfigError for a headline that is no claim, or one that is named twice."""
    for name in headline:
        if not claims:
            raise ConfigError(f"headline is {name}, and the study has no claims.")
        check_known(name, claims, f"headline: {name} is no claim of the study; its claims are")
        if headline.count(name) > 1:
            raise ConfigError(f"headline: {name} is given twice.")


def _metric(written: str | MetricFile) -> Metric:
    """Return `test/accuracy` and its like, or a metric of the user's own."""
    if isinstance(written, MetricFile):
        name = written.name
        if not name.strip() or name in NO_METRICS:
            raise ConfigError(
                f"metric: name='{name}' is not allowed: a metric has a name, and one that nothing "
                f"else of a run has ({', '.join(NO_METRICS)})."
            )
        ours = {f"{split}/{score}" for split in _PLACES for score in SCORES}
        if written.function is not None and name in ours:
            raise ConfigError(
                f"metric: name={name} is not allowed with from={written.function}: every run "
                "reports its own; name yours otherwise."
            )
        return Metric(**written.model_dump())
    split, _, score = written.partition("/")
    if split not in _PLACES or score not in SCORES:
        raise ConfigError(
            f"metric '{written}' is not known; write one of {one_of(_PLACES)}, a slash, and one of "
            f"{one_of(SCORES)}, or {{name, from, better, when_not_converged}}."
        )
    return validated(Metric, {"name": written, "better": quantity(written).better})


def _tune(written: dict[str, Any], groups: Groups, replicates: int) -> Tune:
    tried = {key: values for key, values in written.items() if key != "with"}
    if len(tried) != 1 or "." not in str(*tried):
        raise ConfigError("tune: name exactly one key to tune, such as optimizer.lr.")
    ((key, values),) = tried.items()
    check_overrides(dict.fromkeys([key]), groups, "tune", of_all_cells=False)
    settings = validated(TuneSettings, written.get("with", {}), "tune.with")
    if "/" in settings.by and settings.by not in BY_VALIDATION:
        raise ConfigError(
            f"tune.with: by={settings.by} is not allowed; allowed are {one_of(BY_VALIDATION)}, or "
            "a number that a training procedure of your own reports under a name without a slash."
        )
    if settings.nested and settings.replicates is not None:
        raise ConfigError(
            f"tune.with: replicates={settings.replicates} is not allowed with nested: true, where "
            "every scored replicate has one tuning run of each value."
        )
    # Nested by default where it costs no more than a choice that all replicates share.
    cheap = settings.replicates is None and replicates <= SHARED_TUNING_REPLICATES
    fields = {"key": key, "values": values, **settings.model_dump(exclude_none=True)}
    fields["only"] = {name: named_levels(levels) for name, levels in settings.only.items()}
    tune = validated(Tune, {"nested": cheap, **fields}, "tune")
    tune.factor.check_names_differ(f"tune: {key}")
    return tune


def _check_tuned(study: Study) -> None:
    """Raise ConfigError for a level's value that no run has, as a tuned one takes its place.

    Or for a level at which alone is tuned, and which the study does not have.
    """
    only = study.tune.only if study.tune else {}
    names = [factor.name for factor in study.factors]
    for name, levels in only.items():
        check_known(name, names, f"tune.with: only: there is no factor '{name}'; allowed are")
        study.factor(name).check_levels(levels, "tune.with: only")
    for factor in study.factors:
        for level in factor.levels:
            if study.tune and study.tune.key in level.overrides:
                raise ConfigError(
                    f"factor '{factor.name}', level '{level.name}' sets {study.tune.key}, which "
                    "tune chooses in every cell."
                )


def _check_full(study: Study, groups: Groups, claims: Sequence[object]) -> None:
    """Raise ConfigError for what `--full` cannot set, or what a level sets in its place."""
    keys = {key: value for key, value in study.full.items() if key != "replicates"}
    check_overrides(keys, groups, "full")
    with within("full"):
        looks = read_replicates(study.full.get("replicates", study.replicates))
    check_decides(looks[1:], claims)
    for key in keys:
        for factor in study.factors:
            if factor.sets(key):
                raise ConfigError(f"full: {key} is varied by factor '{factor.name}'.")
        for part in study.parts:
            if key in part.baseline:
                raise ConfigError(f"full: {key} is set by part '{part.name}'.")
        if study.tune and key == study.tune.key:
            raise ConfigError(f"full: {key} is what tune chooses in every cell.")


def _check_items(study: Study) -> None:
    """Raise ConfigError for a table or figure of a factor, level or part that the study lacks."""
    levels = {factor.name: [level.name for level in factor.levels] for factor in study.factors}
    parts = [part.name for part in study.parts]
    for item in study.report:
        has = f"report: {item.kind} has"
        for name, kept in item.kept().items():
            for level in kept:
                if level not in levels.get(name, ()):
                    raise ConfigError(
                        f"{has} only: {name}: {level}, which is no level of the study."
                    )
        if isinstance(item, OfPart) and item.part not in (None, *parts):
            there = f"its parts are {one_of(parts)}" if parts else "it has no parts"
            raise ConfigError(f"{has} part: {item.part}; {there}.")
        for option, name in item.named().items():
            if name not in levels:
                raise ConfigError(
                    f"{has} {option}: {name}, which is no factor of the study; its factors are "
                    f"{one_of(levels)}."
                )
