"""From the words of a command line to a compiled plan."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ablate.commands.here import root_of
from ablate.config import Launch
from ablate.config.compose import Composed, Word, compose, conf_folders, parse_override
from ablate.config.groups import Groups, read_groups, split_user_code
from ablate.config.key import canonical, flat
from ablate.config.launch import Launched
from ablate.config.target import is_user_code
from ablate.config.validate import validated
from ablate.errors import ConfigError, check_known
from ablate.launch.executor import refuse_launchers
from ablate.secrets import has_password, masked
from ablate.study.names import ADHOC, SINGLE, check_study_name
from ablate.study.plan import Plan, compile_study
from ablate.study.reader import find_study, read_study
from ablate.study.request import Size, adhoc, request
from ablate.study.schema import Study
from ablate.user import make_importable

Value = TypeVar("Value")


@dataclass(frozen=True)
class Start:
    """A plan and how to run it.

    smaller  of a full form the study without `--full`, whose runs tell how fast it goes
    """

    plan: Plan
    root: Path
    launch: Launch
    smaller: Plan | None = None

    @property
    def size(self) -> str:
        """Cells and replicates as people read them."""
        looks = self.plan.study.all_looks
        counts = {"cell": len(self.plan.cells), "replicate": looks[-1]}
        first = f"{looks[0]} to " if len(looks) > 1 else ""
        size = (f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts.items())
        return f" × {first}".join(size)

    @property
    def data_names(self) -> str:
        """The data sets, alphabetically."""
        return ", ".join(sorted({cell.config.data.name for cell in self.plan.cells}))


@dataclass(frozen=True)
class Words:
    """A command line, sorted.

    studies    what `study=a,b` names
    name       what `study.name=` asks the result to be called
    control    whether `study.aa=true` asks for an A/A control
    overrides  every other `key=value`
    flags      what Hydra itself is to answer, such as `--cfg=job`
    """

    studies: tuple[str, ...]
    name: str | None
    overrides: tuple[Word, ...]
    root: Path
    control: bool
    flags: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser, usage: str) -> None:
    """Add what every command takes that plans: words beside `--quick` and `--full`.

    usage  what stands before the words
    """
    parser.usage = f"{parser.prog} [--quick | --full] {usage} [KEY=VALUE ...]"
    parser.epilog = "--root PATH and paths.root=PATH are the same."
    parser.set_defaults(plans=True, has_words=True, cfg=None, multirun=True)
    sizes = parser.add_mutually_exclusive_group()
    for size, said in (("quick", "on the digits data, in seconds"), ("full", "large, in hours")):
        sizes.add_argument(
            f"--{size}", action="store_const", dest="size", const=size, default="", help=said
        )


def starts(options: argparse.Namespace) -> list[Start]:
    """Return what to run: a plan per study named, else that of the keys; none after `--cfg`.

    Raises ConfigError where none is named and the command or its size needs one: without one a
    sweep is of the keys that it varies.
    """
    ordered = sort_words(options.words, [f"--cfg={options.cfg}"] if options.cfg else [])
    if ordered.studies:
        timed = options.command == "plan" and not ordered.flags
        found = plan_studies(ordered, options.size, timed)
        return [_without_passwords(start) for start in found]
    typed = f"ablate {options.command}"
    if options.command in ("plan", "check"):
        raise ConfigError(f"{typed} needs a study: {typed} study=NAME.")
    varies = any(word.several for word in ordered.overrides)
    if options.command == "sweep" and not (varies or options.cfg):
        raise ConfigError(
            f"{typed} needs a study, {typed} study=NAME, or keys with several values, {typed} "
            "init=he,xavier; ablate run trains a single network."
        )
    if options.size:
        given = f"--{options.size}"
        raise ConfigError(f"{given} needs a study: ablate sweep study=NAME {given}.")
    return [_without_passwords(start) for start in _plan_overrides(ordered, options.multirun)]


def _without_passwords(start: Start) -> Start:
    """Return `start`; raises ConfigError where a config holds what nobody should read in a file."""
    for cell in start.plan.cells:
        for key, value in flat(canonical(cell.config)).items():
            if has_password(str(value)):
                raise ConfigError(
                    f"{key} is an address with a password or token in it ({masked(str(value))}), "
                    "which would stand in runs/, reports/ and MLflow; let your code take it from "
                    "the environment."
                )
    return start


def sort_words(words: Sequence[str], flags: Sequence[str] = ()) -> Words:
    """Sort the words of a command line; raises ConfigError for what is no override."""
    studies: tuple[str, ...] = ()
    name, control = None, False
    roots, overrides = [], []
    said: dict[str, str] = {}
    for word in words:
        key, _, text = word.partition("=")
        key = key.lstrip("+")  # Hydra's sign of a key that is new
        if said.get(key) == word:
            continue
        if said.setdefault(key, word) != word and key != "paths.root":
            raise ConfigError(f"{key} is said twice, '{said[key]}' and '{word}': say it once.")
        if key == "study":
            studies = tuple(text.split(","))
            if not all(studies) or len({*studies}) < len(studies):
                raise ConfigError(
                    f"'{word}' is not allowed: name a study, or several different ones, study=A,B."
                )
        elif key == "study.name":
            check_study_name(text, word)
            name = text
        elif key == "study.aa":
            control = _value(parse_override(word), bool, "study.aa is true or false")
        elif key.startswith("study."):
            check_known(
                key, ("study.name", "study.aa"), f"'{word}': unknown key '{key}'; allowed are"
            )
        else:
            refuse_launchers(word)
            overrides.append(_root(word) if key == "paths.root" else parse_override(word))
            if key == "paths.root":
                folder = _value(overrides[-1], str, "paths.root is one folder")
                roots.append(root_of(folder, key))
    root = roots[0] if roots else root_of(".", "paths.root")  # its default in conf/config.yaml
    if set(roots) - {root}:
        named = " and ".join(map(str, dict.fromkeys(roots)))
        raise ConfigError(f"paths.root is said twice, {named}: name one folder.")
    return Words(studies, name, tuple(overrides), root, control, tuple(flags))


def plan_studies(words: Words, size: Size = "", timed: bool = True) -> list[Start]:
    """Return a plan per study named, each composed by one Hydra multirun.

    timed  whether a full form has its smaller one beside it, to tell how fast runs go
    """
    folders = conf_folders(words.root)
    groups = read_groups(folders)
    found: list[Start] = []
    if words.name is not None and len(words.studies) > 1:
        raise ConfigError(f"study.name={words.name} is the name of one study: name one in study=.")
    for name in words.studies:
        path = find_study(name, folders)
        make_importable(words.root, path.parent)
        study = read_study(path, groups)
        # Without its folder: the same study elsewhere has the same report.
        file = path.name if path.name == Path(name).name else None
        study = study.model_copy(update={"control": words.control})
        planned = _planned(study, words, groups, size, file)
        if planned is not None:
            found.append(planned)
            if size == "full" and timed and (smaller := _planned(study, words, groups, "", file)):
                found[-1] = replace(planned, smaller=smaller.plan)
    for start in found:
        _refuse_look_alike(words.root, start.plan.study.name)
    called = [start.plan.study.name for start in found]
    if len({*called}) < len(called):
        twice = max(called, key=called.count)
        raise ConfigError(f"study={','.join(words.studies)}: two of them are called '{twice}'.")
    return found


def _planned(
    study: Study, words: Words, groups: Groups, size: Size, file: str | None
) -> Start | None:
    """Return the plan of a study in a size; none if a Hydra flag was answered."""
    asked = request(study, words.overrides, groups, name=words.name, size=size, file=file)
    composed = compose(asked.overrides, words.root, multirun=True, flags=words.flags)
    if composed is None:
        return None
    launch = _launch(composed)
    plan = compile_study(
        asked.study, composed.base, groups, asked.explicit, asked.changed, launch.most_runs
    )
    return Start(plan, words.root, launch)


def _plan_overrides(words: Words, multirun: bool) -> list[Start]:
    """Return the plan of a single cell or of the keys swept; none if a Hydra flag was answered."""
    groups = read_groups(conf_folders(words.root))
    make_importable(words.root)
    explicit = _checked(words.overrides, groups)
    own = dict(split_user_code(explicit)[1])
    composable = [
        word.text
        for word in words.overrides
        # What is swept is in no config that Hydra could show.
        if word.key not in own and not (word.several and multirun and words.flags)
    ]
    composed = compose(composable, words.root, multirun=multirun, flags=words.flags)
    if composed is None:
        return []
    name = words.name or (ADHOC if multirun else SINGLE)
    launch = _launch(composed)
    plan = compile_study(
        adhoc(composed, groups, name), composed.base, groups, explicit, most_runs=launch.most_runs
    )
    return [Start(plan, words.root, launch)]


def _checked(words: Sequence[Word], groups: Groups) -> list[tuple[str, Any]]:
    """Check keys and options before Hydra does, to say it in our words; return the fixed ones."""
    groups = groups.open(*({word.key: word.value} for word in words))
    ours = [word for word in words if not word.key.startswith("hydra")]
    for key, value, several, text in ours:
        if several and any(is_user_code(key, one) for one in value):
            raise ConfigError(f"'{text}': vary code of your own in a study file.")
        for one in value if several else [value]:
            groups.check_override(key, one, f"'{text}'")
    explicit = [(word.key, word.value) for word in ours if not word.several]
    groups.check_fields(dict(explicit), "the command line")
    return explicit


def _refuse_look_alike(root: Path, name: str) -> None:
    """Raise ConfigError where the file system takes another study's folder for that of this one."""
    for folder in (root / "runs", root / "reports"):
        there = [path.name for path in folder.glob("*")]
        alike = [other for other in there if other.casefold() == name.casefold()]
        if alike and name not in there and (folder / name).exists():
            raise ConfigError(
                f"study '{name}': there is '{alike[0]}', whose folder is the same on this file "
                "system; say study.name=NAME."
            )


def _launch(composed: Composed) -> Launch:
    return validated(Launched, {"launch": composed.base["launch"]}).launch


def _root(text: str) -> Word:
    """Return what paths.root names: a folder's name may have signs that Hydra does not take."""
    try:
        return parse_override(text)
    except ConfigError:
        return Word("paths.root", text.partition("=")[2], False, text)


def _value(word: Word, kind: type[Value], allowed: str) -> Value:
    if not isinstance(word.value, kind):
        raise ConfigError(f"'{word.text}' is not allowed: {allowed}.")
    return word.value
