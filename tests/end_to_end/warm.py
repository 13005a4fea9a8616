"""Commands in processes of their own, forked from one that has imported everything already.

A start costs two to four seconds of imports, and the tests make a hundred. What is forked has the
command's own folder, environment, output and process group, as a shell would give it; tests of
the start itself, and of processes that are killed, start Python anew.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

#: As long as any one command of the tests may take, in seconds.
MOST_SECONDS = 300


def ablate(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call `ablate` in `cwd`; raises TimeoutExpired after `MOST_SECONDS`."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        asked = {
            "words": words, "cwd": str(cwd), "environment": {**os.environ, **environment},
            "out": str(out), "err": str(err),
        }  # fmt: skip
        code = _asked(asked)
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


def _asked(asked: dict[str, object]) -> int:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{json.dumps(asked)}\n")
    server.stdin.flush()
    code = json.loads(server.stdout.readline())
    if code is None:
        raise subprocess.TimeoutExpired(str(asked["words"]), MOST_SECONDS)
    return int(code)


@functools.cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(server.communicate)  # at the end of its input it ends
    return server


def _serve() -> None:
    # No matplotlib: a command that should do without is told apart by what it imports.
    import mlflow  # noqa: F401
    import torch  # noqa: F401

    import ablate.commands.command_line
    import ablate.launch.sweep
    import ablate.report.build  # noqa: F401

    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _be(json.loads(line))
        print(json.dumps(_ended(process)), flush=True)


def _ended(process: int) -> int | None:
    """Wait for a process; return its exit code, negative for a signal, None where it hangs."""
    import signal
    import time

    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def _be(asked: dict[str, object]) -> None:
    """Become the command that is asked for; does not return."""
    os.setsid()
    os.chdir(str(asked["cwd"]))
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[call-overload]
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(str(asked[name]), os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["ablate", *asked["words"]]  # type: ignore[misc]
    # As Python does at its start with what stands in the environment now.
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    from ablate.cli import main

    code = 1
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
