"""A page per lecture: what it says, in its order, and what the reports here found of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.report.manifest import read_manifest
from ablate.report.pages import write_templates
from ablate.study.lectures import Shown, Statement, Syllabus

#: Below the folder of all reports.
FOLDER = "lectures"


@dataclass(frozen=True)
class Report:
    """A report as a lecture's page knows it: its folder's name, and its manifest."""

    folder: str
    manifest: Mapping[str, Any]

    @property
    def figures(self) -> list[tuple[str, str]]:
        """The file and the caption of each figure."""
        drawn = self.manifest.get("figures", {}).values()
        return [(f"{self.folder}/{one['files'][0]}", one["caption"]) for one in drawn]


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
    """A statement as the page tells it: with findings, and the figure of a report not yet shown."""

    statement: Statement
    lines: str
    findings: tuple[Finding, ...]
    figure: tuple[str, str] | None


def reports_by_study(reports: Path) -> dict[str, Report]:
    """Return the report of each study: that of its full form where there is one, no quick one."""
    found: dict[str, Report] = {}
    for folder in sorted(reports.iterdir()) if reports.is_dir() else ():
        manifest = read_manifest(folder)
        study = folder.name.removesuffix("-full")
        is_better = study not in found or folder.name != study
        if manifest is not None and not manifest.get("quick") and is_better:
            found[study] = Report(folder.name, manifest)
    return found


def write_lecture(reports: Path, syllabus: Syllabus, lecture: str) -> Path:
    """Write `README.md` and `index.html` of a lecture below `reports`; return its folder."""
    told = list(_told(syllabus.of(lecture), lecture, reports_by_study(reports)))
    directory = reports / FOLDER / lecture
    directory.mkdir(parents=True, exist_ok=True)
    verdicts = [f.verdict.partition(";")[0] for one in told for f in one.findings if f.verdict]
    counts = {word: verdicts.count(word) for word in dict.fromkeys(sorted(verdicts))}
    write_templates(
        "lecture",
        directory,
        lecture=syllabus.lectures[lecture],
        told=told,
        verdicts=counts,
        seen=sum(bool(one.statement.shown) for one in told),
    )
    return directory


def _told(
    statements: list[Statement], lecture: str, reports: Mapping[str, Report]
) -> Iterator[Told]:
    by_folder = {report.folder: report for report in reports.values()}
    answered, drawn = set[str](), set[str]()
    for statement in statements:
        findings = [_finding(one, reports) for one in statement.shown if one.kind != "test"]
        for i, finding in enumerate(findings):
            if finding.answer and finding.text in answered:
                findings[i] = replace(finding, answer="")  # once is enough
            answered.add(finding.text)
        new = (
            one.folder
            for one in findings
            if one.folder and one.folder not in drawn and by_folder[one.folder].figures
        )
        folder = next(new, "")
        drawn.add(folder)
        figure = by_folder[folder].figures[0] if folder else None
        yield Told(statement, statement.where[lecture], tuple(findings), figure)


def _finding(shown: Shown, reports: Mapping[str, Report]) -> Finding:
    report = reports.get(shown.study)
    if shown.kind not in ("study", "claim"):
        return Finding(shown.name, is_typed=True)
    if report is None:
        return Finding(f"study {shown.study}, of which there is no report yet")
    if shown.kind == "study":
        question, answer = report.manifest["question"], report.manifest["answer"]
        return Finding(question, answer=answer, folder=report.folder)
    claim = shown.name.partition("/")[2]
    verdicts = {one["claim"]: one for one in report.manifest.get("verdicts", ())}
    if claim not in verdicts:
        said = f"claim {claim} of study {shown.study}, which its report does not judge yet"
        return Finding(said, folder=report.folder)
    found = verdicts[claim]
    speaks = report.manifest.get("contradictions", ())
    against = next((one["text"] for one in speaks if one["claim"] == claim), "")
    return Finding(found["text"], found["verdict"], found["effect"], report.folder, against)
