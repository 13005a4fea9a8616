"""`ablate report`: reports made anew from the ledger, or held against what is on disk."""

import argparse
import json
from collections.abc import Sequence

from ablate.commands.here import shown, study_name
from ablate.config.compose import conf_folders
from ablate.errors import ConfigError
from ablate.report.regenerate import (
    Written,
    check_reports,
    known_reports,
    regenerate_reports,
    slides,
)
from ablate.study.lectures import read_syllabus, studies_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate report` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="*", help="studies; default: all that have runs"
    )
    parser.add_argument(
        "--lecture",
        metavar="NAME",
        help="write the page of a lecture from the reports that are there, in reports/lectures/NAME"
        " (all: of every lecture); with --style slides the figures of its studies",
    )
    either = parser.add_mutually_exclusive_group()
    said = "exit 1 if a report is out of date"
    either.add_argument("--check", action="store_true", help=said)
    either.add_argument(
        "--format",
        choices=("markdown", "json"),
        help="write the reports, and print what they found: markdown for a pull request, or json",
    )
    either.add_argument(
        "--style",
        choices=("paper", "slides"),
        default="paper",
        help="slides: only the figures, as slides in reports/STUDY/slides",
    )


def run(options: argparse.Namespace) -> int:
    """Write or check the reports named, or all; exit code 1 where something is missing or old."""
    if options.lecture is not None:
        return _lecture(options)
    if options.style == "slides":
        return _slides(options, options.study or known_reports(options.root))
    if options.check:
        differing = check_reports(options.root, options.study)
        for path in differing:
            print(f"{shown(path)} is not what would be written")
        return 1 if differing else 0
    made = regenerate_reports(options.root, options.study)
    if options.format:
        print(_found(made, options.format, len(options.study) == 1), end="")
    else:
        _say(made)
    return 1 if any(written.missing for written in made) else 0


def _say(made: list[Written]) -> None:
    for written in made:
        print(f"{shown(written.directory)}/README.md  written")
        for sentence in written.missing:
            print(f"! {sentence}")


def _found(made: list[Written], form: str, alone: bool) -> str:
    """Return what reports found: of one study that is named an object in JSON, else a list."""
    from ablate.report.manifest import read_manifest
    from ablate.report.summary import summary, summary_markdown

    told = [(one, manifest) for one in made if (manifest := read_manifest(one.directory))]
    if form == "markdown":
        return "\n".join(summary_markdown(m, f"reports/{one.directory.name}") for one, m in told)
    found = [summary(manifest) for _, manifest in told]
    return json.dumps(found[0] if alone and found else found, indent=1, ensure_ascii=False) + "\n"


def _lecture(options: argparse.Namespace) -> int:
    from ablate.report.lecture_pages import reports_by_study, write_lecture
    from ablate.report.overview import write_overview

    if options.study or options.check or options.format:
        raise ConfigError("--lecture stands alone or with --style slides")
    syllabus, reports = read_syllabus(conf_folders(options.root)), options.root / "reports"
    names = list(syllabus.lectures) if options.lecture == "all" else [options.lecture]
    there = reports_by_study(reports)
    if options.style == "slides":
        wanted = dict.fromkeys(one for name in names for one in studies_of(syllabus.of(name)))
        return _slides(options, [there[study].folder for study in wanted if study in there])
    for name in names:
        print(f"{shown(write_lecture(reports, syllabus, name, there))}/README.md  written")
    write_overview(options.root)
    return 0


def _slides(options: argparse.Namespace, names: Sequence[str]) -> int:
    for name in names:
        files = slides(options.root, name)
        folder = options.root / "reports" / name / "slides"
        print(f"{shown(folder)}  {len(files) // 3} slides as SVG, PNG and PDF")
    return 0
