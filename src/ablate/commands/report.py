"""`ablate report`: reports made anew from the ledger, or held against what is on disk."""

import argparse

from ablate.commands.here import shown, study_name
from ablate.errors import ConfigError
from ablate.report.regenerate import check_reports, known_reports, regenerate_reports, slides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate report` takes."""
    parser.add_argument(
        "study", type=study_name, nargs="*", help="studies; default: all that have runs"
    )
    said = "exit 1 if a report is out of date"
    parser.add_argument("--check", action="store_true", help=said)
    parser.add_argument(
        "--style",
        choices=("paper", "slides"),
        default="paper",
        help="slides: only the figures, as slides in reports/STUDY/slides",
    )


def run(options: argparse.Namespace) -> int:
    """Write or check the reports named, or all; exit code 1 where something is missing or old."""
    if options.style == "slides":
        return _slides(options)
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


def _slides(options: argparse.Namespace) -> int:
    if options.check:
        raise ConfigError("--style is slides and --check is given; slides are not held against.")
    for name in options.study or known_reports(options.root):
        files = slides(options.root, name)
        folder = options.root / "reports" / name / "slides"
        print(f"{shown(folder)}  {len(files) // 3} slides as SVG, PNG and PDF")
    return 0
