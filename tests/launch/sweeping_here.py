"""A sweep in this process: an executor that trains where it is called."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from ablate.commands.command_line import plan_studies, sort_words
from ablate.launch import sweep as sweeping
from ablate.launch.execute import execute
from ablate.launch.job import Event, Job


class Here:
    """An executor that trains in this process."""

    size = 1

    def run(self, jobs: Sequence[Job], *_: object) -> Iterator[Event]:
        for job in jobs:
            yield from execute(job, {})

    def close(self) -> None:
        """Nothing to end."""


def sweep_here(text: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Sweep a study file of this text; return what the console shows."""
    monkeypatch.setattr(sweeping, "executor_of", lambda *_: Here())
    file = root / "mine.yaml"
    file.write_text(text)
    (start,) = plan_studies(sort_words([f"study={file}", f"paths.root={root}"]))
    shown = io.StringIO()
    sweeping.sweep(start.plan, root, start.launch, Console(file=shown, width=500))
    return shown.getvalue()
