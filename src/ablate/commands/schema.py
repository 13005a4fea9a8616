"""`ablate schema`: the JSON Schema of a study file, for editors."""

import argparse
import json
from pathlib import Path

from ablate.config.compose import conf_folders
from ablate.config.groups import read_groups
from ablate.study.json_schema import study_schema

#: What an editor's line in a study file names, beside the study.
NAME = "study.schema.json"


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: `ablate schema` takes no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print the schema; return the exit code."""
    print(schema_text(options.root), end="")
    return 0


def schema_text(root: Path) -> str:
    """Return the schema as text, with the config groups that ship and those below `root`."""
    schema = study_schema(read_groups(conf_folders(root)))
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
