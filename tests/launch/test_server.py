"""The process that workers are forked from is started before anybody knows what is to be done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.launch.server import is_wanted
from waiting import until

AHEAD = """
import os, signal, sys
from multiprocessing import forkserver
from ablate.launch.server import start_ahead
os.environ.pop("OMP_NUM_THREADS", None)
os.environ["MKL_NUM_THREADS"] = "7"
before = dict(os.environ)
start_ahead()
assert dict(os.environ) == before
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert "torch" not in sys.modules and "numpy" not in sys.modules
print(forkserver._forkserver._forkserver_pid, flush=True)
input()
"""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("run data=digits", True),
        ("run", True),
        ("sweep study=new", True),
        ("sweep study=there,new", True),
        ("run -m init=he,xavier", True),
        ("sweep study=there", False),
        ("run study=there", False),
        ("sweep study=new --cfg job", False),
        ("sweep -h", False),
        ("status", False),
        ("", False),
    ],
)
def test_it_is_started_where_something_is_likely_to_be_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, wanted: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "there").mkdir(parents=True)
    (tmp_path / "runs" / "there" / "index.json").write_text("{}")
    assert is_wanted(words.split()) is wanted


def test_started_ahead_it_leaves_the_process_as_it_is_and_does_not_hear_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", AHEAD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        server = int(process.stdout.readline())
        os.kill(server, signal.SIGINT)  # in the middle of its imports
        environment = Path(f"/proc/{server}/environ").read_bytes().split(b"\0")
        assert b"OMP_NUM_THREADS=1" in environment
        assert b"MKL_NUM_THREADS=1" in environment
        maps = Path(f"/proc/{server}/maps")  # no file where it has ended
        until(lambda: "libtorch_cpu" in maps.read_text(), "the server's import of torch")
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
