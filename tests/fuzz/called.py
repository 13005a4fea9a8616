"""One call of `ablate` in this process, watched: what it said, how it ended, what it wrote."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from hypothesis import note

from ablate.cli import main

#: Seconds of this process's own time that a call may take: a stalled machine costs none.
MOST_SECONDS = 10.0
#: What no sentence for a user has in it.
_NO_SENTENCE = ("this is a bug", "Traceback", "[Errno", " object at 0x", "<class '", "pydantic")
#: Files that are nobody's: libraries keep what they compiled or looked up.
_NOBODYS = ("/dev/", "/proc/", "__pycache__", "matplotlib", "fontconfig", "torchinductor")


class TooLong(BaseException):
    """No `except Exception` may catch it."""


@dataclass(frozen=True)
class Ended:
    """How a call ended; `wrote` has the paths opened for writing, made or taken away for good."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    wrote: tuple[Path, ...]


def checked(root: Path, *words: str) -> Ended:
    """Call `ablate` in `root` and hold its end against what every command promises."""
    note(f"ablate {' '.join(map(repr, words))}")
    ended = call(root, *words)
    said = ended.out + ended.err
    if "this is a bug" in said:
        call(root, *words, "--debug")  # its own traceback tells faults apart
    assert not [word for word in _NO_SENTENCE if word in said], said[-2000:]
    assert ended.code in (0, 1, 2), ended
    if ended.code == 2:
        assert ended.err.startswith(("ablate: ", "usage: ")), ended
        assert not ended.wrote, ended
    if ended.code == 1:
        assert said.strip(), ended
    if ended.code == 0:
        assert not ended.err, ended
    outside = [path for path in ended.wrote if not path.is_relative_to(root)]
    assert not outside, ended
    return ended


def call(root: Path, *words: str) -> Ended:
    """Call `ablate` in `root`; raises TooLong where it takes longer than any call may."""
    before, place = [*sys.path], Path.cwd()
    out, err = io.StringIO(), io.StringIO()
    os.chdir(root)
    try:
        with redirect_stdout(out), redirect_stderr(err), _Limit(), _Watch() as watch:
            code = _call_main(words)
    finally:
        os.chdir(place)
        sys.path[:] = before
    kept = [path for path in map(Path, watch.paths) if not path.is_relative_to(gettempdir())]
    written = tuple(dict.fromkeys(kept))
    return Ended(
        words=tuple(words), code=code, out=out.getvalue(), err=err.getvalue(), wrote=written
    )


def _call_main(words: Sequence[str]) -> int:
    try:
        return main(words)
    except SystemExit as ended:  # how argparse refuses
        return int(ended.code or 0)


class _Limit:
    """Ends what it holds after so many seconds of this process's own time."""

    def __enter__(self) -> None:
        def end(*_: Any) -> None:
            raise TooLong(f"more than {MOST_SECONDS:g} s")

        self._before = signal.signal(signal.SIGVTALRM, end)
        signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._before)


class _Watch:
    """Notes the paths that Python code writes to while it is entered."""

    def __enter__(self) -> _Watch:
        self.paths: list[str] = []
        _WATCHES.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _WATCHES.remove(self)

    def saw(self, event: str, given: Sequence[Any]) -> None:
        if event == "open":
            path, mode, flags = given
            writes = (
                flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                if mode is None
                else (set(mode) & set("wax+"))
            )
            named = [path] if writes else []
        elif event in ("os.rename", "os.link", "os.symlink"):
            named = [given[0], given[1]]
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate"):
            named = [given[0]]
        else:
            return
        for path in named:
            if isinstance(path, int):
                continue
            full = os.path.abspath(os.fsdecode(path))
            if not any(word in full for word in _NOBODYS):
                self.paths.append(full)


#: Those entered now. An audit hook can never be taken away again, so there is one for all.
_WATCHES: list[_Watch] = []


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if _WATCHES and (event == "open" or event.startswith("os.")):
        for watch in _WATCHES:
            watch.saw(event, given)


sys.addaudithook(_hook)
