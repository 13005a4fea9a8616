"""A ledger that is written, not trained: what looks at runs needs no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablate import data
from ablate.commands.command_line import Start, plan_studies, sort_words
from ablate.launch.missing import in_folders_there, scored_work
from ablate.launch.sweep import declare
from ablate.records import Record
from ablate.store.files import sha256
from ablate.store.ledger import write_run
from ablate.store.result import read_result, result_bytes

STARTED = "2025-03-01T12:00:00Z"
STUDY = """\
question: Does width matter?
baseline:
  data: synthetic
  data.train_examples: 300
  data.test_examples: 80
  data.validation_size: 50
  data.separation: 3.0
  trainer.batch_size: 32
  trainer.epochs: 5
  probe.steps: "off"
factors: {{width: {{key: model.width, levels: {widths}}}}}
replicates: 2
claims:
  wide: {{text: Wide is better., compare: {{width: [8, 4]}}, expect: greater}}
report: [table]
"""


def planned(root: Path, widths: str = "[4, 8]", *words: str) -> Start:
    """Write the study `wide` and plan it; with other widths it is still called so."""
    (root / "wide.yaml").write_text(STUDY.format(widths=widths))
    return replace(_composed(root / "wide.yaml", widths, words), root=root)


_STARTS: dict[tuple[str, ...], Start] = {}


def _composed(path: Path, widths: str, words: tuple[str, ...]) -> Start:
    """Compose a study once, whatever its folder: that is no part of its plan."""
    if (widths, *words) not in _STARTS:
        asked = [f"study={path}", "study.name=wide", *words]
        (_STARTS[(widths, *words)],) = plan_studies(sort_words(asked))
    return _STARTS[(widths, *words)]


def a_record(accuracy: float, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "nc_reason": None, "diverged_at_step": None,
        "metrics": {"test/accuracy": accuracy, "test/loss": 1 - accuracy},
        "evaluations": ({"step": 40, "epoch": 5.0, "lr": 0.1, "train/loss": 0.1,
                         "validation/loss": 0.2, "validation/accuracy": 0.9},),
        "evaluated_at": (0.4,), "losses": np.linspace(2, 0.1, 40, dtype=np.float32),
        "parameters": 100, "multiply_adds": 90, "seconds": 12.0,
    }  # fmt: skip
    return Record(**(fields | changes))


def write_ledger(start: Start) -> None:
    """Write every run that a sweep of the plan would train, and what it declares."""
    plan = in_folders_there(start.plan, start.root)
    works = scored_work(plan, start.root, "cpu")
    for index, work in enumerate(works):
        facts = {
            "commit": "c0ffee", "dirty": False, "versions": {"torch": "2.6.0"}, "device": "cpu",
            "cpu": "a CPU", "data_digest": data.digest(work.config.data), "seed": 0,
        }  # fmt: skip
        config = work.config.model_dump(mode="json")
        for task in work.missing:
            record = a_record(0.9 - index / 20 + task.replicate / 100)
            write_run(task.directory, record, config, task.key, facts, STARTED)
    declare(plan, start.root, ((), works), "cpu")


def change(entry: Path, **fields: Any) -> None:
    """Write the result of a run anew with other fields, and digests of the files as they are."""
    result = read_result(entry)
    assert result is not None
    files = {name: result.path_of(entry, name).read_bytes() for name in result.digests}
    digests = {name: sha256(content) for name, content in files.items()}
    path = entry / "result.json"
    path.write_bytes(result_bytes(replace(result, digests=digests, **fields), path))
