"""PostgreSQL, and an MLflow server over it: of this machine alone, and gone with the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from waiting import until

#: As a user of the database, and of nothing else, might have it.
PASSWORD = "hunter2-is-secret"
USER = "mlflow"


def postgres_programs() -> Path | None:
    """Return the folder of `initdb`, which Debian keeps off the PATH; None where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, debian), os.environ.get("PATH", "")])
    found = shutil.which("createdb", path=path)
    return None if found is None else Path(found).parent


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether anybody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Postgres:
    """A PostgreSQL in a folder of its own, which belongs to whoever runs it."""

    folder: Path
    programs: Path
    port: int

    def make(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        words = ["-A", "scram-sha-256", "-U", USER, f"--pwfile={self.folder}/password", "-N"]
        self._call("initdb", "-D", f"{self.folder}/data", *words)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        log = f"{self.folder}/log"
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-o", options, "-w", "-l", log, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")

    def kill(self) -> None:
        """End it as a power cut does."""
        lock = self.folder / "data" / "postmaster.pid"
        pid = int(lock.read_text().split()[0])
        children = _children(pid)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_lives, children)), "PostgreSQL's own processes end")
        lock.unlink()

    def new_database(self, name: str) -> str:
        """Return the address of a fresh database, with user and password in it."""
        words = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name]
        self._call("createdb", *words, PGPASSWORD=PASSWORD)
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def dump(self, name: str) -> str:
        """Return all that a database holds."""
        words = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name]
        return self._call("pg_dump", *words, PGPASSWORD=PASSWORD)

    def _call(self, program: str, *words: str, **environment: str) -> str:
        # It refuses to be root.
        user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []}
        with (self.folder / f"{program}.out").open("w+") as out:
            # No pipe: the server would keep it open.
            done = subprocess.run(
                [self.programs / program, *words], stdout=out, stderr=subprocess.STDOUT,
                cwd=self.folder, env={**os.environ, **environment}, check=False,
                **(user if os.geteuid() == 0 else {}),
            )  # fmt: skip
            out.seek(0)
            said = out.read()
        assert done.returncode == 0, said
        return said


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class Tracker:
    """An MLflow server over a database."""

    folder: Path
    database: str
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *words,
                 "--artifacts-destination", str(self.folder / "artifacts")],
                env={**os.environ, **quiet, "MLFLOW_BACKEND_STORE_URI": self.database},
                cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self._is_well, "MLflow's server answers")

    def _is_well(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        try:
            return requests.get(f"{self.address}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not answers(self.port), "the server's port is free")
