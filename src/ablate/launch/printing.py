"""Standard streams that cost nothing: whatever becomes of a line, the run behind it goes on."""

import errno
import io
import os
import select
import sys
from typing import Any


class _Ear(io.FileIO):
    """Where a stream ends; what it does not take is dropped, and why stays in `lost`."""

    lost: OSError | None = None

    def write(self, text: Any) -> int:
        """Write what can be written, and say that all was."""
        try:
            while (written := super().write(text)) is None:  # not blocking, and full for now
                select.select([], [self], [])
        except OSError as error:
            self.lost = error
            return len(text)
        return written


def print_at_no_cost() -> None:
    """Let no print of this process raise: letters that a stream lacks become question marks.

    A reader that has left and a full disk end nothing either; `lost_lines` tells of the disk.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: a file of the ledger would get its number, and the prints
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            end = io.BufferedWriter(_Ear(stream.fileno(), "w", closefd=False))
            at_once = stream.line_buffering or stream.write_through
            kept = io.TextIOWrapper(end, stream.encoding, "replace", line_buffering=at_once)
            setattr(sys, name, kept)


def lost_lines() -> str | None:
    """Return why standard output lacks something; None where its reader has left, or all is there.

    Tells of streams that `print_at_no_cost` has put in place.
    """
    ear = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(ear, _Ear):
        return None
    sys.stdout.flush()
    return (
        ear.lost.strerror if ear.lost and ear.lost.errno not in (errno.EPIPE, errno.EIO) else None
    )
