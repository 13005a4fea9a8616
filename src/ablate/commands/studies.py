"""`ablate studies`: every study with its question, and how far it is."""

import argparse
import json

from ablate.commands.status import status
from ablate.config.compose import conf_folders
from ablate.config.yaml_file import read_yaml
from ablate.store.state import COMPLETE, studies
from ablate.study.lectures import read_syllabus, studies_of
from ablate.study.reader import find_study, study_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate studies` takes."""
    parser.add_argument("--lecture", metavar="NAME", help="those that show what a lecture says")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print the studies that ship and those of the user's `conf/`, or a lecture's in its order."""
    swept, folders = studies(options.root), conf_folders(options.root)
    files, rows = study_files(folders), []
    if options.lecture is not None:
        said = read_syllabus(folders).of(options.lecture)
        files = {name: find_study(name, folders) for name in studies_of(said)}
    for name, path in files.items():
        found = status(options.root, name) if name in swept else None
        question = read_yaml(path)["question"]
        rows.append({"study": name, "question": question, "status": found})
        if not options.json:
            ended = sum(found[state] for state in COMPLETE) if found else 0
            how_far = f"{ended}/{found['runs']} runs" if found else "not swept"
            print(f"{name:<16} {how_far:<14} {question}")
    if options.json:
        print(json.dumps(rows, indent=2))
    return 0
