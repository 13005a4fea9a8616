"""A small study, swept as a user would, and what decides whether two sweeps are equal."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from warm import ablate

from ablate.store.compared import compared_bytes
from ablate.store.result import read_result

TESTS = Path(__file__).parents[1]
#: The tests' own `mylab`, and the source beside these tests: not that of another checkout.
REACH = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
SMALL = """\
question: Does the scale matter?
baseline:
  data: synthetic
  data.train_examples: 400
  data.shape: [12]
  model.depth: 2
  model.width: 16
  trainer.epochs: {epochs}
  trainer.batch_size: 32
factors:
  scale: {{key: init.scale, levels: {scales}, axis: log}}
replicates: {replicates}
report: [table]
"""


def command(*words: str, cwd: Path, reach: str = REACH) -> subprocess.Popen[str]:
    """Start `ablate` in a process of its own, with the tests' `mylab` within reach."""
    return subprocess.Popen(
        [sys.executable, "-m", "ablate", *words],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": reach}, start_new_session=True,
    )  # fmt: skip


def sweep(cwd: Path, *words: str) -> tuple[int, str]:
    """Sweep `mine.yaml`; return exit code and output."""
    done = ablate("sweep", "study=mine.yaml", *words, cwd=cwd, PYTHONPATH=REACH)
    return done.returncode, done.stdout + done.stderr


def small(
    folder: Path, scales: int | Sequence[float] = 2, replicates: int = 6, epochs: int = 2
) -> Path:
    """Write a study of some scales into a folder."""
    levels = [round(0.5 + 0.1 * i, 1) for i in range(scales)] if isinstance(scales, int) else scales
    text = SMALL.format(scales=list(levels), replicates=replicates, epochs=epochs)
    folder.mkdir(exist_ok=True)
    (folder / "mine.yaml").write_text(text)
    return folder


def runs_of(folder: Path) -> dict[str, dict[str, bytes]]:
    """Return what decides whether runs are equal, by cell and replicate; failed ones left out."""
    found = {}
    for path in sorted(folder.glob("runs/mine/*/*/result.json")):
        result = read_result(path.parent)
        if result is not None and result.status != "failed":
            name = str(path.parent.relative_to(folder / "runs" / "mine"))
            found[name] = compared_bytes(path.parent)
    return found
