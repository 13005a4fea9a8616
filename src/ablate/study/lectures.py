"""What the lectures say, and where it can be seen here: the files of `conf/lectures/`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, model_validator

from ablate.config.base import Frozen, Line, Many, Positive
from ablate.config.validate import validated
from ablate.config.yaml_file import read_yaml
from ablate.errors import check_known, one_of

#: What shows a statement: a study's report, one of its claims, something to switch on, a command to
#: type, and, for those who read code, a test.
Kind = Literal["study", "claim", "option", "command", "test"]


class Shown(Frozen):
    """Where something is seen: `study signal`, `claim signal/he-theory`, `option init=he`."""

    kind: Kind
    name: Line

    @property
    def study(self) -> str:
        """The study that it is or belongs to; empty where there is none."""
        return self.name.partition("/")[0] if self.kind in ("study", "claim") else ""


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    kind, _, name = value.partition(" ")
    if kind not in get_args(Kind) or not name:
        raise ValueError(f"'{value}' must be {one_of(f'{kind} NAME' for kind in get_args(Kind))}")
    return {"kind": kind, "name": name}


class Statement(Frozen):
    """What a lecture says or shows."""

    says: Line
    where: dict[str, Line]
    """Lines, by lecture."""
    shown: Many[Annotated[Shown, BeforeValidator(_parsed)]] = ()
    open: Line = ""
    """Why it is shown nowhere."""
    technique: Positive | None = None
    """Its number among the techniques that the lectures name."""

    @model_validator(mode="after")
    def _shown_or_open(self) -> Self:
        if bool(self.shown) == bool(self.open):
            raise ValueError(f"'{self.says}' must have either shown or open")
        return self

    def line(self, lecture: str) -> int:
        """Return the first of its lines in a lecture."""
        return min(int(number) for number in re.findall(r"\d+", self.where[lecture]))

    @property
    def is_for_users(self) -> bool:
        """Whether somebody who reads no tests can see it."""
        return any(one.kind != "test" for one in self.shown)


class Topic(Frozen):
    """Statements on one thing."""

    title: Line
    statements: Many[Statement]


class Lecture(Frozen):
    """A lecture: its title, and where and when it was held."""

    title: Line
    held: Line


class _Files(Frozen):
    lectures: dict[str, Lecture]
    topics: Many[str]


class Syllabus(Frozen):
    """All lectures, and what they say, by topic."""

    lectures: dict[str, Lecture]
    topics: tuple[Topic, ...]

    def of(self, lecture: str) -> list[Statement]:
        """Return what a lecture says, in its order."""
        check_known(lecture, self.lectures, f"there is no lecture '{lecture}'; allowed are")
        said = [one for topic in self.topics for one in topic.statements if lecture in one.where]
        return sorted(said, key=lambda one: one.line(lecture))


def studies_of(statements: Sequence[Statement]) -> list[str]:
    """Return the studies that show statements, each once, in their order."""
    return list(dict.fromkeys(o.study for one in statements for o in one.shown if o.study))


def read_syllabus(folders: Sequence[Path]) -> Syllabus:
    """Read `lectures/` of the last of some `conf` folders that has one.

    Raises ConfigError for a word out of place.
    """
    folder = [one for conf in folders if (one := conf / "lectures").is_dir()][-1]
    files = validated(_Files, read_yaml(folder / "lectures.yaml"), "lectures.yaml")
    topics = []
    for name in files.topics:
        topic = validated(Topic, read_yaml(folder / f"{name}.yaml"), f"{name}.yaml")
        for statement in topic.statements:
            for lecture in statement.where:
                sentence = f"{name}.yaml: '{statement.says}': lecture '{lecture}' is unknown;"
                check_known(lecture, files.lectures, f"{sentence} allowed are")
        topics.append(topic)
    return Syllabus(lectures=files.lectures, topics=tuple(topics))
