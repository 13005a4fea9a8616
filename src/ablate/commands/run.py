"""`ablate run`: as `ablate sweep`; without a study one cell, or with -m the keys swept."""

import argparse

from ablate.commands import sweep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate run` takes: what a sweep does, and `-m`."""
    sweep.add_arguments(parser)
    parser.set_defaults(multirun=False)
    said = "sweep comma lists and ranges"
    parser.add_argument("-m", "--multirun", action="store_true", help=said)


def run(options: argparse.Namespace) -> int:
    """Train what is not there, and report; return the exit code."""
    return sweep.run(options)
