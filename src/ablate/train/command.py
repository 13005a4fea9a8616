"""A training command of the user's own: its settings in one file, its metrics in another."""

import ctypes
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import IO, Any

from ablate.config import RunConfig
from ablate.errors import AblateError
from ablate.streams import Streams

#: What is kept of a command's stderr: as much of its end.
_CHUNKS, _CHUNK_BYTES = 16, 4096
#: Ten times what the losses of a million steps take.
_MOST_BYTES = 256 * 2**20
_WAIT = 1.0
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run_command(config: RunConfig, streams: Streams, device: str) -> Any:
    """Run `trainer.command` for one replicate; return what its metrics file holds.

    It reads nothing from stdin. The run is over when the command is, whatever processes it leaves
    behind. Raises AblateError where it fails or its metrics are no JSON.
    """
    with tempfile.TemporaryDirectory(prefix="ablate-", ignore_cleanup_errors=True) as folder:
        given, asked = Path(folder) / "config.json", Path(folder) / "metrics.json"
        place = {"replicate": streams.replicate, "member": streams.member, "device": device}
        given.write_text(json.dumps(config.model_dump(mode="json") | place, indent=2))
        words = [
            word.replace("{config}", str(given)).replace("{metrics}", str(asked))
            for word in shlex.split(config.trainer.command or "")
        ]
        files = {"ABLATE_CONFIG": str(given), "ABLATE_METRICS": str(asked)}
        code, said = _run(words, {**os.environ, **files})
        if code != 0:
            how = f"with exit code {code}"
            if code < 0:
                how = f"by signal {-code} ({signal.strsignal(-code)})"
            last = said.splitlines()[-1] if said else "no word on its stderr"
            failure = AblateError(f"trainer.command ended {how}: {last}")
            failure.add_note(said)  # which error.log has
            raise failure
        return _read(asked)


def _run(words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Return a command's exit code and the end of its stderr.

    A pipe may stay open in a process that the command leaves behind, so its end is not awaited;
    and of what it is written only the end is kept, however much it is.
    """
    try:
        process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=_end_with_parent,
        )  # fmt: skip
    except OSError as error:
        raise AblateError(f"trainer.command={words[0]}: {error.strerror}.") from error
    assert process.stderr is not None
    last: deque[bytes] = deque(maxlen=_CHUNKS)
    reader = Thread(target=_keep, args=(process.stderr, last), daemon=True)
    reader.start()
    code = process.wait()
    reader.join(_WAIT)
    text = _COLOURS.sub("", b"".join(list(last)).decode(errors="replace"))
    return code, "\n".join(text.strip().splitlines())  # a progress bar's \r as well


def _keep(stream: IO[bytes], last: deque[bytes]) -> None:
    with stream:
        last.extend(iter(lambda: os.read(stream.fileno(), _CHUNK_BYTES), b""))


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise AblateError(
                f"trainer.command wrote metrics of {path.stat().st_size / 2**20:,.0f} MiB; at most "
                f"{_MOST_BYTES // 2**20} are read."
            )
        return json.loads(path.read_bytes(), object_pairs_hook=_each_once)
    except FileNotFoundError:
        raise AblateError(
            "trainer.command wrote no metrics: the file to write is in ABLATE_METRICS."
        ) from None
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
