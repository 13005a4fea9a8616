"""The commands of docs/scale.md as they stand there, and a small study for them to train."""

import re
import shlex
from pathlib import Path

_PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
_SHELL = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
#: Each command's words, less `ablate`.
COMMANDS = [
    shlex.split(line.removeprefix("ablate "))
    for block in _SHELL
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("ablate ")
]
ENGINES = {"launch=slurm", "launch=ray", "launch=futures"}
#: What the page has as `lab.py`.
(LAB,) = re.findall(r"^```python\n(# lab\.py\n.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
_STUDY = """\
question: Does the page hold?
baseline: {data: synthetic, data.train_examples: 300, model.depth: 1, trainer.epochs: 1}
factors: {width: {key: model.width, levels: [4, 8]}}
replicates: 2
report: [table]
"""


def command_for(engine: str) -> list[str]:
    """Return the words of the one command that names an engine, as in `launch=ray`."""
    (words,) = [words for words in COMMANDS if engine in words]
    return words


def quickstart(root: Path) -> Path:
    """Give a root a `quickstart` of its own, a small one."""
    folder = root / "conf" / "study"
    folder.mkdir(parents=True)
    (folder / "quickstart.yaml").write_text(_STUDY)
    return root
