"""`ablate check`: every cell of a study tried for a second before hours go into it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ablate.commands import command_line
from ablate.train.process import prepare_process


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate check` takes."""
    command_line.add_arguments(parser, "study=NAME")


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Try every cell of the studies named; return the exit code."""
    starts = command_line.study_starts(options, words)
    prepare_process(threads=1)
    from ablate.commands.trials import lines  # torch comes with it, and must not come earlier

    held = True
    for start in starts:
        for line, holds in lines(start):
            held &= holds
            print(line if holds else f"! {line}", flush=True)
    return 0 if held else 1
