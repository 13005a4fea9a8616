from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.errors import ConfigError
from ablate.store.lock import is_marked, lock, marked, running

HOLDER = """
import sys
from pathlib import Path
from ablate.store.lock import lock
with lock(Path(sys.argv[1]), "s"):
    print("held", flush=True)
    sys.stdin.read()
"""


def start_holder(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_sweeps(tmp_path: Path) -> None:
    with start_holder(tmp_path) as process:
        assert running(tmp_path, "s") == process.pid
        sentence = re.escape(f"Another sweep of 's' is running (process {process.pid}).")
        with pytest.raises(ConfigError, match=sentence), lock(tmp_path, "s"):
            pass
        with lock(tmp_path, "another study"):
            pass
        process.communicate("")
    assert running(tmp_path, "s") is None


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with start_holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert running(tmp_path, "s") is None
        with lock(tmp_path, "s"):
            assert running(tmp_path, "s") == os.getpid()
        assert process.stdin is not None
        process.stdin.close()


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), lock(tmp_path, "s"):
        raise RuntimeError
    assert running(tmp_path, "s") is None


def test_nobody_sweeps_a_study_that_was_never_swept(tmp_path: Path) -> None:
    assert running(tmp_path, "never") is None
    assert list(tmp_path.iterdir()) == []


def test_marks_end_with_their_block_however_it_ends(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    with marked([run, other]):
        assert is_marked(run)
        assert is_marked(run)  # looking leaves it as it is
    with pytest.raises(RuntimeError), marked([run, other]):
        raise RuntimeError
    assert not is_marked(run)
    assert list(other.iterdir()) == []
    (run / ".running").touch()  # left by a process that was killed
    assert not is_marked(run)
    assert not is_marked(tmp_path / "never")
