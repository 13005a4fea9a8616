"""A page per lecture: what it says, in its order, and what the reports here found of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.report.manifest import read_reports
from ablate.report.pages import LECTURES, outcome, write_templates
from ablate.study.lectures import Shown, Statement, Syllabus

#: How a claim begins that says something of what the one before it is about.
_GOES_ON = re.compile(r"(So|Nor|They|That|From there|It (?!makes no difference whether))\b")


@dataclass(frozen=True)
class Figure:
    """A report's figure: its file without an ending, below the folder of all reports."""

    stem: str
    caption: str


@dataclass(frozen=True)
class Report:
    """A report as a lecture's page knows it: its folder's name, and its manifest."""

    folder: str
    manifest: Mapping[str, Any]

    @property
    def figure(self) -> Figure | None:
        """Its first figure."""
        for name, drawn in self.manifest.get("figures", {}).items():
            return Figure(f"{self.folder}/{name}", drawn["caption"])
        return None


@dataclass(frozen=True)
class Finding:
    """What is found here of a statement.

    text     the claim, the question of a study, an option or a command
    answer   to the question
    verdict  on a claim; empty of anything else, and where no report has it yet
    effect   beside the verdict
    folder   of the report; empty where there is none
    against  the sentence in which the report speaks against a lecture or a paper
    is_typed whether the text is for the command line
    """

    text: str
    verdict: str = ""
    effect: str = ""
    folder: str = ""
    against: str = ""
    answer: str = ""
    is_typed: bool = False


@dataclass(frozen=True)
class Told:
    """A statement as the page tells it: with findings, and the figure of a report not yet shown.

    anchor  by which the page links to it
    """

    statement: Statement
    findings: tuple[Finding, ...]
    figure: Figure | None
    anchor: str

    @property
    def head(self) -> str:
        """What is said, as a heading."""
        return self.statement.says[:1].upper() + self.statement.says[1:]

    @property
    def against(self) -> tuple[str, ...]:
        """The sentences in which reports speak against it."""
        return tuple(found.against for found in self.findings if found.against)


def reports_by_study(reports: Path) -> dict[str, Report]:
    """Return the report of each study: that of its full form where there is one, no quick one."""
    found = {name: Report(name, manifest) for name, manifest in read_reports(reports)}
    small = {name: report for name, report in found.items() if f"{name}-full" not in found}
    return {name.removesuffix("-full"): report for name, report in small.items()}


def write_lecture(
    folder: Path, syllabus: Syllabus, lecture: str, reports: Mapping[str, Report]
) -> Path:
    """Write `README.md` and `index.html` of a lecture; return where.

    folder   of all reports
    reports  as `reports_by_study` returns them
    """
    told = list(_told(syllabus.of(lecture), reports))
    directory = folder / LECTURES / lecture
    directory.mkdir(parents=True, exist_ok=True)
    own = {
        "lecture": syllabus.lectures[lecture],
        "told": told,
        "counted": _counted(told),
        "against": {sentence: one for one in reversed(told) for sentence in reversed(one.against)},
    }
    write_templates("lecture", directory, lines_of=lecture, **own)
    return directory


def _counted(told: Sequence[Told]) -> str:
    """Say how many statements can be seen, and what the verdicts on them are."""
    seen = sum(bool(one.statement.shown) for one in told)
    verdicts = Counter(outcome(f.verdict) for one in told for f in one.findings if f.verdict)
    counts = ", ".join(f"{count} {word}" for word, count in sorted(verdicts.items()))
    said = f"{len(told)} statements, of which {seen} can be seen here"
    return f"{said}; verdicts: {counts}." if counts else f"{said}."


def _told(statements: Sequence[Statement], reports: Mapping[str, Report]) -> Iterator[Told]:
    answered, drawn = set[str](), set[Figure | None]([None])
    for number, statement in enumerate(statements, start=1):
        seen = (_finding(one, reports) for one in statement.shown if one.kind != "test")
        findings = list(dict.fromkeys(seen))
        for i, finding in enumerate(findings):
            if finding.answer and finding.text in answered:
                findings[i] = replace(finding, answer="")  # once is enough
            answered.add(finding.text)
        figures = (reports[one.study].figure for one in statement.shown if one.study in reports)
        figure = next((one for one in figures if one not in drawn), None)
        drawn.add(figure)
        yield Told(statement, tuple(findings), figure, f"statement-{number}")


def _finding(shown: Shown, reports: Mapping[str, Report]) -> Finding:
    report = reports.get(shown.study)
    if shown.kind not in ("study", "claim"):
        return Finding(shown.name, is_typed=True)
    if report is None:
        return Finding(f"ablate sweep study={shown.study}", is_typed=True)
    if shown.kind == "study":
        question, answer = report.manifest["question"], report.manifest["answer"]
        return Finding(question, answer=answer, folder=report.folder)
    claim = shown.name.partition("/")[2]
    verdicts = list(report.manifest.get("verdicts", ()))
    names = [one["claim"] for one in verdicts]
    if claim not in names:
        said = f"claim {claim} of study {shown.study}, which its report does not judge yet"
        return Finding(said, folder=report.folder)
    found, text = verdicts[names.index(claim)], _in_full(verdicts, names.index(claim))
    speaks = report.manifest.get("contradictions", ())
    against = next((one["text"] for one in speaks if one["claim"] == claim), "")
    return Finding(text, found["verdict"], found["effect"], report.folder, against)


def _in_full(verdicts: Sequence[Mapping[str, Any]], place: int) -> str:
    """Return the text of a claim, behind those that it goes on from, which stand in brackets."""
    texts = [one["text"] for one in verdicts[: place + 1]]
    first = place
    while first and _GOES_ON.match(texts[first]):
        first -= 1
    before = " ".join(texts[first:place])
    return f"({before}) {texts[place]}" if before else texts[place]
