"""What the console shows while a sweep runs: a bar on a terminal, lines in a file or pipe."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablate.launch.job import Event
from ablate.launch.jobs import cost


@dataclass(eq=False)
class Progress:
    """Counts of one phase of a sweep (`tuned` or `runs`); `kept` were there before it began.

    ahead, behind  the cost of all jobs as the phase begins, and of what has ended
    """

    phase: str
    total: int
    kept: int
    ahead: float
    console: Console
    behind: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    now: str = ""
    last: str = ""

    def show(self, event: Event) -> None:
        """Take in what the executor tells, and print what has to stay."""
        if event.task is None:
            first, last = (event.job.tasks[end].replicate for end in (0, -1))
            which = f"replicate {first}" if first == last else f"replicates {first}-{last}"
            self.now = f"{event.job.name} ({which})"
            return
        self.counts[str(event.status)] += 1
        self.behind += cost(event.job) / len(event.job.tasks)
        how = event.message.splitlines()[0] if event.message else "done"
        self.last = f"{event.job.name} → {how}"
        if event.status == "failed":
            self.console.out("failed", style="red", end=" ")
            self.console.out(f"{event.job.name}: {how}")
        elif not _has_bar(self.console) and event.task == event.job.tasks[-1]:
            self.console.out(f"{self.line()}  {self.last}")

    @property
    def ended(self) -> int:
        """How many runs have ended, those that were there included."""
        return self.kept + self.counts.total()

    def line(self) -> str:
        """Return the counts in one line: done, n/c, failed, left, elapsed, to go."""
        trained, left = self.counts.total(), self.total - self.ended
        elapsed = time.monotonic() - self.began
        # The first runs pay for the workers' start, so an estimate waits for two of them.
        ahead = left / max(1, trained)
        if 0 < self.behind < math.inf and self.ahead < math.inf:
            ahead = max(0.0, self.ahead / self.behind - 1)  # the longest come first
        to_go = f" · {_clock(elapsed * ahead)} to go" if trained > 1 and left else ""
        return (
            f"{self.ended}/{self.total} {self.phase} · {self.counts['diverged']} n/c · "
            f"{self.counts['failed']} failed · {left} left · {_clock(elapsed)} elapsed{to_go}"
        )

    def bar(self) -> Group:
        """Return how it looks now on a terminal: a bar with the line, and the names below."""
        first = Table.grid()
        first.add_row(ProgressBar(self.total, self.ended, width=30), Text("  " + self.line()))
        names = f"now: {self.now}   last: {self.last}"
        return Group(first, Text(names, style="dim", overflow="ellipsis", no_wrap=True))


@contextmanager
def progress(
    phase: str, total: int, kept: int, ahead: float, console: Console
) -> Iterator[Progress]:
    """Show one phase until the block ends."""
    shown = Progress(phase, total, kept, ahead, console)
    on_terminal = Live(get_renderable=shown.bar, console=console)
    with on_terminal if _has_bar(console) else nullcontext():
        yield shown


def _has_bar(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
