"""`ablate run`: one cell, the keys swept of a multirun, or a study."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ablate.commands import command_line, sweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate run` takes: what `ablate sweep` takes, and -m."""
    sweep.add_arguments(parser)
    parser.add_argument(
        "-m", "--multirun", action="store_true", help="sweep comma lists and ranges"
    )


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Train what is not there, and report; return the exit code."""
    return sweep.run_studies(command_line.starts(options, words, options.multirun))
