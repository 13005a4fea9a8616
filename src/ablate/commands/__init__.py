"""The commands: what each is for and takes. The module of each has `run(options)`, to an exit code.

It is imported when its command is typed, so that none slows another.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

#: What each command is for.
COMMANDS = {
    "run": "train one cell; with -m a Hydra multirun",
    "sweep": "train what a study declares, and report",
    "plan": "what a sweep would train and could tell; trains nothing",
    "check": "try every cell of a study for a second, before a sweep",
    "new": "write a commented study file to start from",
    "schema": "the JSON Schema of a study file, for editors",
    "explain": "why a run is not the finished one beside it",
    "trace": "from a number in a report to its runs",
    "verify": "train a run again and compare it with what is kept",
    "clean": "remove runs that no study asks for any more",
    "status": "runs done, n/c, failed, running, missing, stale",
    "report": "regenerate reports from the ledger",
    "ui": "the MLflow UI over the runs, on 127.0.0.1",
    "sync": "rebuild the MLflow store from the ledger",
    "data": "fetch and verify data sets",
    "studies": "every study, its question and its status",
}

#: Those that plan, and what stands before the KEY=VALUE words that they all take.
PLANNING = {
    "run": "[study=NAME]",
    "sweep": "[study=NAME]",
    "plan": "[--json] study=NAME",
    "check": "study=NAME",
}


def add_arguments(parsers: Mapping[str, ArgumentParser]) -> None:
    """Add to the parser of each command what the command takes."""

    def takes(commands: str, *names: str, **settings: Any) -> None:
        for command in commands.split():
            parsers[command].add_argument(*names, **settings)

    for command, usage in PLANNING.items():
        parser = parsers[command]
        parser.usage = f"{parser.prog} [--quick] {usage} [KEY=VALUE ...]"
        parser.epilog = "--root PATH and paths.root=PATH are the same."
        parser.set_defaults(cfg=None, multirun=True)
        takes(command, "--quick", action="store_true", help="on the digits data, in seconds")
    said = "print the config that all cells start from, and end"
    takes("run sweep", "-c", "--cfg", choices=("job", "hydra", "all"), help=said)
    said = "sweep comma lists and ranges"
    takes("run", "-m", "--multirun", action="store_true", default=False, help=said)
    takes("new", "name", help="of the study")
    takes("explain verify", "run", help="study/cell/replicate, or the first digits of a run's key")
    takes("trace", "study", help="whose report")
    takes("trace", "what", nargs="+", help="table 1, a row's name, a column's name")
    takes("clean", "--stale", action="store_true", required=True, help="what to remove")
    takes("clean", "--dry-run", action="store_true", help="only say what would go")
    takes("status", "study", nargs="?", help="one study; default: all that have runs")
    takes("report sync", "study", nargs="*", help="studies; default: all that have runs")
    takes("report", "--check", action="store_true", help="exit 1 if a report is out of date")
    takes("ui", "study", nargs="?", help="print the address of this study's view")
    takes("ui", "--port", type=int, default=5000, help="default: 5000")
    takes("data", "name", nargs="*", help="data sets; default: list them")
    takes("plan status studies", "--json", action="store_true", help="for programs")
