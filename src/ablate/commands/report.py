"""`ablate report`: reports made anew from the ledger, or held against what is on disk."""

import argparse

from ablate.commands.here import shown, study_name
from ablate.report.regenerate import check_reports, regenerate_reports


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate report` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="*", help="studies; default: all that have runs"
    )
    said = "exit 1 if a report is out of date"
    parser.add_argument("--check", action="store_true", help=said)


def run(options: argparse.Namespace) -> int:
    """Write or check the reports named, or all; exit code 1 where something is missing or old."""
    if options.check:
        differing = check_reports(options.root, options.study)
        for path in differing:
            print(f"{shown(path)} is not what would be written")
        return 1 if differing else 0
    made = regenerate_reports(options.root, options.study)
    for written in made:
        print(f"{shown(written.directory)}/README.md  written")
        for sentence in written.missing:
            print(f"! {sentence}")
    return 1 if any(written.missing for written in made) else 0
