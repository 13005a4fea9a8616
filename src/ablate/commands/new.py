"""`ablate new`: a commented study file to start from."""

import argparse
from pathlib import Path

from ablate.commands.here import shown
from ablate.commands.schema import NAME, schema_text
from ablate.errors import ConfigError
from ablate.study.names import check_study_name

_TEXT = """\
# yaml-language-server: $schema={schema}
# {name}: change the question, the baseline and what varies; then
#   ablate plan  study={path}           what it would train, and what it could tell
#   ablate sweep study={path} --quick   on small data, in seconds
#   ablate sweep study={path}
question: Does batch normalization make the initialization scale matter less?

baseline:                       # what is not varied; `ablate run --cfg job` lists all keys
  data: mnist                   # or {{_target_: mylab.data.spectra}}, see docs/own-code.md
  data.train_size: 5000         # small first; leave it out for all
  model: mlp
  model.depth: 5
  model.width: 100
  optimizer: momentum
  trainer.epochs: 3

# design: grid                  # or one_at_a_time, zip, {{kind: random, cells: 30}}; ladder and
                                # leave_one_out take `components:` instead of factors
factors:
  norm:                         # a level may set several keys; its name appears everywhere
    label: batch norm
    levels: {{without: {{model.norm: none}}, with: {{model.norm: batch}}}}
  scale:                        # one key, several values
    key: init.scale
    levels: [0.1, 1, 10]
    axis: log

replicates: 6                   # paired: replicate r draws the same numbers in every cell; or
                                # {{from: 6, to: 30}}: until the claims are decided
metric: test/accuracy           # shown in percent, so margins are in points
smallest_effect: 0.5            # below this we call it no difference

claims:                         # said before the first run; judged together at 5 %
  less-sensitive:
    text: With batch norm accuracy depends less on the initialization scale.
    of: spread over scale
    compare: {{norm: [with, without]}}
    expect: less
  no-harm:
    text: At the usual scale it makes no difference worth half a point.
    compare: {{norm: [with, without]}}
    at: {{scale: 1}}
    expect: equal
# headline: less-sensitive      # whose verdict opens the report; by default the first claim

report:
  - table: {{rows: scale, columns: norm}}
  - factor_response
  - effects
  - learning_curves
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate new` takes."""
    parser.add_argument("name", help="of the study")


def run(options: argparse.Namespace) -> int:
    """Write the file and say where; return the exit code."""
    path = write_new(options.name, options.root)
    print(f"{shown(path)} written; its first lines say how to go on")
    return 0


def write_new(name: str, root: Path) -> Path:
    """Write `conf/study/<name>.yaml`, or `<name>.yaml` where there is no such folder.

    The schema that its first line names for editors is written beside it. Raises ConfigError for
    a name that is none, and for a file that exists.
    """
    check_study_name(name, f"'{name}'")
    folder = root / "conf" / "study"
    path = (folder if folder.is_dir() else root) / f"{name}.yaml"
    if path.exists():
        raise ConfigError(f"{shown(path)} is there already; choose another name.")
    study = name if folder.is_dir() else path.name
    path.write_text(_TEXT.format(name=name, path=study, schema=NAME), encoding="utf-8")
    path.with_name(NAME).write_text(schema_text(root), encoding="utf-8")
    return path
