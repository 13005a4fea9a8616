from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.errors import ConfigError
from ablate.store.lock import lock, running, wait_for

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


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_a_folder_without_locks_is_swept_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Lustre without its mount option, sshfs, an NFS whose lock server is away."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with lock(tmp_path, "s"), wait_for(tmp_path / "mlflow.db.lock"):
        assert running(tmp_path, "s") is None


def test_a_process_on_another_machine_is_named_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_holder(tmp_path) as process:
        monkeypatch.setattr("socket.gethostname", lambda: "another")
        here = r"process \d+ on [^ ]+\)\.$"
        with pytest.raises(ConfigError, match=here), lock(tmp_path, "s"):
            pass
        process.communicate("")


#: A kernel's rule for NFS (flock(2), "NFS details"): a lock is one of a byte range, for which the
#: file must be open for writing where the lock is exclusive, and for reading where it is shared.
NFS = """
import errno, fcntl, os
real = fcntl.flock
def flock(file, kind):
    number = file if isinstance(file, int) else file.fileno()
    mode = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
    if kind & fcntl.LOCK_EX and mode == os.O_RDONLY or kind & fcntl.LOCK_SH and mode == os.O_WRONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return real(file, kind)
fcntl.flock = flock
"""


def test_every_lock_is_one_that_nfs_gives(tmp_path: Path) -> None:
    code = (
        NFS
        + """
import sys
from pathlib import Path
from ablate.store.lock import lock, running, wait_for
root = Path(sys.argv[1])
with lock(root, "s"):
    assert running(root, "s") == os.getpid()
assert running(root, "s") is None
with wait_for(root / "mlflow.db.lock"):
    pass
"""
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
