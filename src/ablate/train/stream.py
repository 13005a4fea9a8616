"""What a training command prints while it runs: evaluations and final metrics, lines of JSON."""

import json
import math
import time
from numbers import Real
from typing import Any

from ablate.errors import AblateError
from ablate.train.given import Row, evaluation
from ablate.train.told import Told, losses_between

#: Ten times what the losses of a million steps take.
MOST_BYTES = 256 * 2**20
#: A line that is longer is no evaluation; it is not kept.
_LONGEST_LINE = 2**20


class Stream:
    """Lines of a command's stdout, as they come.

    A line that is a JSON object with a `step` is an evaluation after so many steps: all else in it
    are numbers. Objects of numbers without one are final metrics, of a name the last; and any
    other line is nobody's.

    metrics  final ones by name; None where there are none
    """

    def __init__(self, source: str, started: float) -> None:
        self.metrics: Row | None = None
        self._source, self._started = source, started
        self._rows: list[Row] = []
        self._seconds: list[float] = []
        self._open = b""  # a line without its end
        self._skips = False
        self._kept = self._lines = 0

    def feed(self, chunk: bytes) -> None:
        """Take what was printed next; raises AblateError for an evaluation that is none."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._line(b"" if self._skips else self._open + line)
            self._open, self._skips = b"", False
        self._open += rest
        if self._skips or len(self._open) > _LONGEST_LINE:
            self._open, self._skips = b"", True

    def close(self) -> None:
        """Take what was printed last as a line, which may lack its end."""
        self.feed(b"\n")

    def told(self) -> Told:
        """Return what was told by now; a number that is not finite makes the run n/c there."""
        ends = [i for i, row in enumerate(self._rows) if not all(map(math.isfinite, row.values()))]
        kept = self._rows[: ends[0]] if ends else self._rows
        died = int(kept[-1]["step"] if kept else 0) if ends else None
        return Told(kept, self._seconds[: len(kept)], losses_between(kept), died=died)

    def _line(self, line: bytes) -> None:
        self._lines += 1
        found = _object(line)
        if not found:
            return
        self._kept += len(line)
        if self._kept > MOST_BYTES:
            raise AblateError(
                f"{self._source} printed more than {MOST_BYTES // 2**20} MiB of evaluations."
            )
        if "step" in found:
            self._evaluation(found)
        elif all(isinstance(value, Real) for value in found.values()):
            self.metrics = (self.metrics or {}) | found

    def _evaluation(self, values: dict[str, Any]) -> None:
        row = evaluation(self._source, f"line {self._lines} of its stdout", values)
        before = self._rows[-1] if self._rows else None
        if before is not None and row["step"] < before["step"]:
            raise AblateError(
                f"{self._source} gives line {self._lines} of its stdout with step = {row['step']} "
                f"after {before['step']}; steps must grow."
            )
        if before is not None and row["step"] == before["step"]:
            before |= row  # some print training and validation apart
            return
        self._rows.append(row)
        self._seconds.append(time.perf_counter() - self._started)


def _object(line: bytes) -> dict[str, Any]:
    """Return the JSON object that a line is, an empty one where it is something else."""
    if not line.lstrip().startswith(b"{"):
        return {}
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
