"""`ablate data`: data sets fetched and held against their digests."""

import argparse

from ablate import data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate data` takes."""
    parser.add_argument("name", nargs="*", help="data sets; default: list them")


def run(options: argparse.Namespace) -> int:
    """Fetch the data sets named, or list all; return the exit code."""
    if options.name:
        data.fetch(options.name, options.root)
    else:
        print("\n".join(sorted(data.SOURCES)))
    return 0
