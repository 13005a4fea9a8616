"""A training command of the user's own: what it is given, what it prints, and what it writes."""

import ctypes
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

from ablate.config import RunConfig
from ablate.errors import AblateError
from ablate.streams import Streams
from ablate.train.stream import MOST_BYTES, Stream
from ablate.train.told import Told

#: What is kept of a command's stderr: as much of its end.
_CHUNKS, _CHUNK_BYTES = 16, 4096
#: What a pipe holds at most (Linux's pipe-max-size): more was not written by the command itself.
_PIPE_BYTES = 2**20
_WAIT, _LOOK = 1.0, 0.1
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run_command(
    config: RunConfig, streams: Streams, device: str, started: float
) -> tuple[Any, Told]:
    """Run `trainer.command` for one replicate; return its metrics, and what it told before.

    It finds its settings in the JSON file that `ABLATE_CONFIG` or `{config}` among its words
    names, and others among its words by name: its own arguments, `{replicate}`, `{device}` and
    `{seed}`, a whole number below 2^31 of the replicate's own. It prints evaluations, and final
    metrics or writes them to the file of `ABLATE_METRICS` or `{metrics}`, by name or as the
    fields of an `Outcome`; the file counts where there are both.

    It reads nothing from stdin. The run is over when the command is, whatever processes it leaves
    behind. Raises AblateError where it fails, where its metrics are no JSON, and, ending it,
    where an evaluation is none.

    started  from which on seconds are counted, by `time.perf_counter`
    """
    with tempfile.TemporaryDirectory(prefix="ablate-", ignore_cleanup_errors=True) as folder:
        given, asked = Path(folder) / "config.json", Path(folder) / "metrics.json"
        place = {"replicate": streams.replicate, "member": streams.member, "device": device}
        given.write_text(json.dumps(config.model_dump(mode="json") | place, indent=2))
        seed = int(streams.numpy("init", "procedure").integers(2**31))
        names = {"replicate": streams.replicate, "device": device, "seed": seed}
        words = config.trainer.words(names, {"config": str(given), "metrics": str(asked)})
        stream = Stream("trainer.command", started)
        files = {"ABLATE_CONFIG": str(given), "ABLATE_METRICS": str(asked)}
        # Else what a script in Python prints comes late: into a pipe it goes by the block.
        code, said = _run(words, {"PYTHONUNBUFFERED": "1", **os.environ, **files}, stream)
        if code != 0:
            how = f"with exit code {code}"
            if code < 0:
                how = f"by signal {-code} ({signal.strsignal(-code)})"
            last = said.splitlines()[-1] if said else "no word on its stderr"
            failure = AblateError(f"trainer.command ended {how}: {last}")
            failure.add_note(said)  # which error.log has
            raise failure
        told = stream.told()
        if asked.exists():
            return _read(asked), told
        if stream.metrics is None and told.died is None:
            raise AblateError(
                "trainer.command wrote no metrics: they belong into the file that ABLATE_METRICS "
                "names, or on its stdout as a line of JSON without step."
            )
        return stream.metrics or {}, told


def _run(words: Sequence[str], environment: Mapping[str, str], stream: Stream) -> tuple[int, str]:
    """Return a command's exit code and the end of its stderr; feed what it prints to `stream`.

    A pipe may stay open in a process that the command leaves behind, so its end is not awaited;
    and of what it is written only the end is kept, however much it is.
    """
    try:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=_end_with_parent,
        )  # fmt: skip
    except OSError as error:
        raise AblateError(f"trainer.command={words[0]}: {error.strerror}.") from error
    assert process.stderr is not None
    last: deque[bytes] = deque(maxlen=_CHUNKS)
    over, wrong = Event(), list[AblateError]()
    reader = Thread(target=_keep, args=(process.stderr, last), daemon=True)
    listener = Thread(target=_listen, args=(process, stream, over, wrong), daemon=True)
    reader.start()
    listener.start()
    code = process.wait()
    over.set()
    listener.join()
    reader.join(_WAIT)
    if wrong:
        raise wrong[0]
    text = _COLOURS.sub("", b"".join(list(last)).decode(errors="replace"))
    return code, "\n".join(text.strip().splitlines())  # a progress bar's \r as well


def _listen(
    process: subprocess.Popen[bytes], stream: Stream, over: Event, wrong: list[AblateError]
) -> None:
    """Feed a command's stdout to `stream`, all of it, and nothing of what is written later.

    over   set when the command has ended: from then on the pipe has what it can hold, at most
    wrong  gets what `stream` refuses, which ends the command
    """
    assert process.stdout is not None
    left = None
    try:
        with process.stdout as pipe, selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while left is None or left > 0:
                left = _PIPE_BYTES if left is None and over.is_set() else left
                if not ready.select(_LOOK if left is None else 0):
                    if left is not None:
                        break
                    continue
                chunk = os.read(pipe.fileno(), _PIPE_BYTES)
                if not chunk:
                    break
                stream.feed(chunk)
                left = None if left is None else left - len(chunk)
        stream.close()
    except AblateError as error:
        wrong.append(error)
        process.kill()


def _keep(stream: IO[bytes], last: deque[bytes]) -> None:
    with stream:
        last.extend(iter(lambda: os.read(stream.fileno(), _CHUNK_BYTES), b""))


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AblateError(
                f"trainer.command wrote metrics of {path.stat().st_size / 2**20:,.0f} MiB; at most "
                f"{MOST_BYTES // 2**20} are read."
            )
        return json.loads(path.read_bytes(), object_pairs_hook=_each_once)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise AblateError(f"trainer.command wrote metrics that {why}.") from error
    except (ValueError, RecursionError) as error:
        raise AblateError(f"trainer.command wrote metrics that are no JSON: {error}.") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AblateError(f"trainer.command wrote metrics with '{twice}' twice.")
    return dict(pairs)


def _end_with_parent() -> None:
    """Let the kernel end a command whose worker was killed: nobody else would."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
