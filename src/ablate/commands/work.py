"""`ablate work`: one of any number of workers that train what a study has declared."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from ablate.commands.here import shown, study_name, typed
from ablate.commands.sweep import further
from ablate.config import Local
from ablate.config.compose import parse_override
from ablate.config.validate import validated
from ablate.errors import ConfigError
from ablate.launch.work import Part, work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate work` takes."""
    parser.add_argument("study", type=study_name, help="as `ablate sweep --declare` has named it")
    parser.usage = f"{parser.prog} [--shard K/N | --part K/N] STUDY [launch.KEY=VALUE ...]"
    parser.set_defaults(has_words=True)
    parts = parser.add_mutually_exclusive_group()
    said = "begin at part K of N, from 0: out of the way of the others; the rest follows"
    parts.add_argument("--shard", metavar="K/N", help=said)
    said = "train part K of N alone, in a folder of its own: ablate merge brings them together"
    parts.add_argument("--part", metavar="K/N", help=said)


def run(options: argparse.Namespace) -> int:
    """Train until no run is left that nobody has; return the exit code."""
    console = Console(highlight=False)
    root, study = options.root, options.study
    launch = launch_of(options.words)
    part = part_of(options)
    swept = work(root, study, launch, console, part, partial(further, root, console))
    if swept.failed:
        console.out(f"{swept.failed} runs failed; error.log in the folder of each says why")
        return 1
    if part.alone:
        merge = typed(f"ablate merge {shown(root)}", Path.cwd())
        console.out(
            f"all {swept.runs} runs of this part are there; {merge} brings them to a folder"
        )
        return 0
    report = typed(f"ablate report {study}", root)
    console.out(f"all {swept.runs} runs are in the ledger; {report} tells what they say")
    return 0


def part_of(options: argparse.Namespace) -> Part:
    """Return which part is meant; raises ConfigError for a text that is not K/N."""
    for name in ("shard", "part"):
        text = getattr(options, name)
        if text is not None:
            number, slash, of = text.partition("/")
            whole = number.isdecimal() and of.isdecimal()
            if not (slash and whole and int(number) < int(of)):
                said = f"--{name} {text} is not allowed"
                raise ConfigError(f"{said}: write K/N with K from 0 to N - 1.")
            return Part(int(number), int(of), alone=name == "part")
    return Part()


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
