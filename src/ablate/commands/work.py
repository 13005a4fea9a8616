"""`ablate work`: one of any number of workers that train what a study has declared."""

import argparse
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from rich.console import Console

from ablate.commands.here import study_name, typed
from ablate.commands.sweep import further
from ablate.config import Local
from ablate.config.compose import parse_override
from ablate.config.validate import validated
from ablate.errors import ConfigError
from ablate.launch.work import work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate work` takes."""
    parser.add_argument("study", type=study_name, help="as `ablate sweep --declare` has named it")
    parser.usage = f"{parser.prog} [--shard K/N] STUDY [launch.KEY=VALUE ...]"
    parser.set_defaults(has_words=True)
    parser.add_argument(
        "--shard",
        type=shard_of,
        default=Fraction(),
        metavar="K/N",
        help="begin at part K of N, from 0: out of the way of the others; the rest follows",
    )


def run(options: argparse.Namespace) -> int:
    """Train until no run is left that nobody has; return the exit code."""
    console = Console(highlight=False)
    root, study = options.root, options.study
    launch = launch_of(options.words)
    swept = work(root, study, launch, console, options.shard, partial(further, root, console))
    if swept.failed:
        console.out(f"{swept.failed} runs failed; error.log in the folder of each says why")
        return 1
    report = typed(f"ablate report {study}", root)
    console.out(f"all {swept.runs} runs are in the ledger; {report} tells what they say")
    return 0


def shard_of(text: str) -> Fraction:
    """Return K/N as the part of the list at which to begin; raises ConfigError for another text."""
    part, slash, parts = text.partition("/")
    whole = part.isdecimal() and parts.isdecimal()
    if not (slash and whole and int(part) < int(parts)):
        raise ConfigError(f"--shard {text} is not allowed: write K/N with K from 0 to N - 1.")
    return Fraction(int(part), int(parts))


def launch_of(words: Sequence[str]) -> Local:
    """Return how runs are to be run; raises ConfigError for a word that does not say so."""
    fields: dict[str, Any] = {}
    for word in map(parse_override, words):
        section, _, name = word.key.partition(".")
        if section != "launch" or word.several:
            raise ConfigError(
                f"'{word.text}' is not allowed: what is trained was declared; here it is only said "
                "how, as in launch.workers=2."
            )
        fields[name] = word.value
    return validated(Local, fields, prefix="launch.")
