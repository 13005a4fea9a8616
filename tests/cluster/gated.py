"""A study whose runs wait for a file: what is to happen meanwhile happens then, on any machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablate.store.compared import compared_bytes
from ablate.store.result import read_result

SOURCE = Path(__file__).parents[2] / "src"
CODE = """\
import time
from pathlib import Path

def fit(config, data, streams, level=0, gate=""):
    while not Path(gate).exists():
        time.sleep(0.05)
    if Path(gate).with_name("broken").exists():
        raise RuntimeError("it is broken")
    return {"test/accuracy": streams.numpy("init", "x").uniform() / (1 + level)}
"""
STUDY = """\
question: Who trains it?
baseline:
  data: synthetic
  trainer: {{_target_: own.fit, gate: gate}}
factors: {{level: {{key: trainer.level, levels: {levels}}}}}
replicates: 2
metric: test/accuracy
report: [table]
"""


def gated(folder: Path, levels: int = 6, is_open: bool = False) -> Path:
    """Write the study `mine` with code of its own; return the file that its runs wait for."""
    folder.mkdir(exist_ok=True)
    gate = folder / "gate"
    (folder / "own.py").write_text(CODE)
    (folder / "mine.yaml").write_text(STUDY.format(levels=list(range(levels))))
    if is_open:
        gate.touch()
    return gate


def start(
    folder: Path,
    *words: str,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> subprocess.Popen[str]:
    """Start `ablate` in a folder, in a process group of its own.

    within  what puts it elsewhere, such as a network of its own
    """
    return subprocess.Popen(
        [*within, sys.executable, "-m", "ablate", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **(environment or {})},
        start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """Wait for a command to end with this exit code; return what it printed."""
    output, _ = process.communicate(timeout=280)
    assert process.returncode == code, output
    return output


def numbers_of(folder: Path, study: str = "mine") -> dict[str, dict[str, bytes]]:
    """Return what decides whether runs are equal, by place; failed ones left out."""
    found = {}
    for path in sorted(folder.glob(f"runs/{study}/*/[0-9]*/result.json")):
        result = read_result(path.parent)
        if result is not None and result.status != "failed":
            found["/".join(path.parts[-3:-1])] = compared_bytes(path.parent)
    return found


def journals(folder: Path) -> str:
    """Return all that the study's workers have said."""
    return "".join(path.read_text() for path in folder.glob("runs/mine/.workers/*.jsonl"))


def trained(folder: Path) -> int:
    """Return how many runs have ended, one that was trained twice as two."""
    return journals(folder).count('"ended"')
