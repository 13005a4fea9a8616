"""`ablate check`: every cell of a study tried for a second before hours go into it."""

import argparse

from ablate.commands import command_line
from ablate.commands.command_line import starts
from ablate.train.process import prepare_process


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate check` takes."""
    command_line.add_arguments(parser, "study=NAME")


def run(options: argparse.Namespace) -> int:
    """Try every cell of the studies named; exit code 1 where one did not hold."""
    asked = starts(options)
    prepare_process(threads=1)
    from ablate.commands.trials import lines  # torch comes with it, and must not come earlier

    held = True
    for start in asked:
        for line, holds in lines(start):
            held &= holds
            print(line if holds else f"! {line}", flush=True)
    return 0 if held else 1
