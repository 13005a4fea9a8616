"""What a sweep tells of its runs to whoever keeps track of them beside the ledger."""

from typing import Protocol

from ablate.store.cell import LedgerCell


class Sink(Protocol):
    """A tracker of runs, such as `ablate.store.live.LiveMirror`; a sweep may have several.

    It never holds a sweep up and never raises: what goes wrong comes back from `close`.
    """

    def open(self) -> None:
        """Take note that runs will come."""

    def run_ended(self, cell: LedgerCell, replicate: int) -> None:
        """Take one scored run, whose entry in the ledger is complete; return at once."""

    def close(self) -> str | None:
        """End; return one sentence where not all that ended was taken, else None."""
