"""`ablate run`: one cell, the keys swept of a multirun, or a study."""

from __future__ import annotations

import argparse

from ablate.commands.command_line import starts
from ablate.commands.sweep import run_studies


def run(options: argparse.Namespace) -> int:
    """Train what is not there, and report; return the exit code."""
    return run_studies(starts(options, options.multirun))
