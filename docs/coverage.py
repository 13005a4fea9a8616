"""Writes `coverage.md` beside it, from `conf/lectures/`: run it as `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ablate.config.compose import package_conf
from ablate.report.lecture_pages import Report, reports_by_study
from ablate.report.printed_table import plain
from ablate.study.lectures import Shown, Statement, Syllabus, read_syllabus

DOCS = Path(__file__).parent
_INTRO = """\
# What the lectures say, and where it is shown

<!-- Written by `make docs` from conf/lectures/; change those. -->

Five lectures name {techniques} techniques and make {statements} further statements.
Each stands here with its lines in the lectures as plain text, and with what shows it: a study with
its report, one of its claims, an option, a command, or a test for what nobody has to run.
{for_users} of the techniques and {shown} of the statements can be seen by somebody who reads no
tests; {unseen}. `ablate report --lecture NAME`
writes a page per lecture, with verdicts and figures in its own order; `ablate studies --lecture
NAME` names its studies.

"""

_UNSEEN = {0: "none is left out", 1: "one is shown nowhere, with the reason"}


def coverage() -> str:
    """Return the text of `coverage.md`."""
    syllabus, reports = read_syllabus([package_conf()]), reports_by_study(DOCS.parent / "reports")
    every = [one for topic in syllabus.topics for one in topic.statements]
    techniques = [one for one in every if one.technique]
    statements = [one for one in every if not one.technique]
    unseen = sum(bool(one.open) for one in every)
    intro = _INTRO.format(
        techniques=len(techniques),
        statements=len(statements),
        for_users=sum(one.is_for_users for one in techniques),
        shown=sum(one.is_for_users for one in statements),
        unseen=_UNSEEN.get(unseen, f"{unseen} are shown nowhere, each with the reason"),
    )
    return intro + "\n".join([*_lectures(syllabus), *_topics(syllabus, reports)])


def _lectures(syllabus: Syllabus) -> Iterator[str]:
    yield "| lecture | title | held | statements | seen |\n| --- | --- | --- | --- | --- |"
    for name, lecture in syllabus.lectures.items():
        said = syllabus.of(name)
        page = f"[{name}](../reports/lectures/{name}/README.md)"
        seen = sum(bool(one.shown) for one in said)
        yield f"| {page} | {lecture.title} | {lecture.held} | {len(said)} | {seen} |"
    yield ""


def _topics(syllabus: Syllabus, reports: dict[str, Report]) -> Iterator[str]:
    for topic in syllabus.topics:
        yield f"## {topic.title}\n"
        yield "|  | what is said | lines | shown by |\n| --- | --- | --- | --- |"
        for one in topic.statements:
            lines = "; ".join(f"{lecture} {where}" for lecture, where in one.where.items())
            by = ", ".join(_link(shown, reports) for shown in one.shown)
            yield f"| {one.technique or ''} | {plain(one.says)} | {lines} | {by or _open(one)} |"
        yield ""


def _open(statement: Statement) -> str:
    return f"*not shown: {plain(statement.open)}*"


def _link(shown: Shown, reports: dict[str, Report]) -> str:
    match shown.kind:
        case "study" | "claim" if shown.study in reports:
            target = f"../reports/{reports[shown.study].folder}/README.md"
        case "study" | "claim":
            target = f"../conf/study/{shown.study}.yaml"
        case "test":
            return f"[test](../{shown.name.partition('::')[0]})"
        case _:
            return f"`{shown.name}`"
    return f"[{plain(shown.name)}]({target})"


def main() -> None:
    """Write the file."""
    (DOCS / "coverage.md").write_text(coverage(), encoding="utf-8")


if __name__ == "__main__":
    main()
