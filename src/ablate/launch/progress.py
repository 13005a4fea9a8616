"""What the console shows while a sweep runs: a bar on a terminal, lines in a file or pipe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablate.launch.pool import Event


@dataclass(eq=False)
class Progress:
    """Counts of one phase of a sweep (`tuning` or `runs`); `kept` were there before it began."""

    phase: str
    total: int
    kept: int
    console: Console
    counts: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    now: str = ""
    last: str = ""
    live: Live | None = None

    def show(self, event: Event) -> None:
        """Take in what the pool tells and refresh the display."""
        if event.status is None:
            replicates = [task.replicate for task in event.job.tasks]
            self.now = f"{event.job.name} ({_range(replicates)})"
        else:
            self.counts[event.status] += 1
            how = event.message.splitlines()[0] if event.message else "done"
            self.last = f"{event.job.name} → {how}"
            if event.status == "failed":
                self.console.print(f"[red]failed[/] {event.job.name}: {how}", highlight=False)
            elif self.live is None and event.task is event.job.tasks[-1]:
                self.console.print(f"{self.line()}  {self.last}", highlight=False)
        if self.live is not None:
            self.live.update(self._rendered())

    def line(self) -> str:
        """Return the counts in one line: done, n/c, failed, left, elapsed, to go."""
        trained = sum(self.counts.values())
        left = self.total - self.kept - trained
        elapsed = time.monotonic() - self.began
        # The first runs pay for the workers' start, so an estimate waits for two of them.
        to_go = f" · {_clock(elapsed / trained * left)} to go" if trained > 1 and left else ""
        return (
            f"{self.kept + trained}/{self.total} {self.phase} · {self.counts['diverged']} n/c · "
            f"{self.counts['failed']} failed · {left} left · {_clock(elapsed)} elapsed{to_go}"
        )

    def _rendered(self) -> Table:
        grid = Table.grid()
        done = self.kept + sum(self.counts.values())
        grid.add_row(
            ProgressBar(total=self.total, completed=done, width=30), Text("  " + self.line())
        )
        outer = Table.grid()
        outer.add_row(grid)
        outer.add_row(
            Text(f"now: {self.now}   last: {self.last}", style="dim", overflow="ellipsis")
        )
        return outer


@contextmanager
def progress(phase: str, total: int, kept: int, console: Console) -> Iterator[Progress]:
    """Show one phase until the block ends."""
    shown = Progress(phase, total, kept, console)
    if not console.is_terminal:
        yield shown
        return
    with Live(shown._rendered(), console=console, refresh_per_second=4) as live:
        shown.live = live
        yield shown


def _range(replicates: list[int]) -> str:
    first, last = replicates[0], replicates[-1]
    return f"replicate {first}" if first == last else f"replicates {first}-{last}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
