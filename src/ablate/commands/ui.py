"""`ablate ui`: the MLflow UI over the right store, opened at the right view."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablate.commands.here import study_name, typed
from ablate.errors import AblateError, ConfigError
from ablate.secrets import masked
from ablate.store.database import check_database, database_file, follow_move, tracking_uri
from ablate.store.live import not_mirrored
from ablate.store.tracking import find_experiment, is_server
from ablate.store.view import view_address

HOST = "127.0.0.1"
_LAST_PORT = 65_535
_SAID_AT_EVERY_START = (
    "Registry store URI not provided.",
    "[MLflow] Security middleware enabled",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `ablate ui` takes."""
    said = "print the address of this study's view"
    parser.add_argument("study", type=study_name, nargs="?", help=said)
    parser.add_argument("--port", type=int, default=5000, help="default: 5000")


def run(options: argparse.Namespace) -> int:
    """Serve the UI until it is interrupted; return the exit code."""
    return serve(options.root, options.study, options.port)


def serve(root: Path, study: str | None, port: int) -> int:
    """Serve the UI until it is interrupted; return its exit code.

    Raises ConfigError where there is no store yet, the study is not in it, or the port is taken.
    """
    if not 1 <= port <= _LAST_PORT:
        raise ConfigError(f"--port={port} is not allowed; allowed are 1 to {_LAST_PORT}.")
    # Before MLflow is imported, which lowers it for what is none of a sweep's business.
    level = os.environ.get("MLFLOW_LOGGING_LEVEL", "ERROR")
    uri = tracking_uri(root)
    store = database_file(uri)
    if store is not None and not store.exists():
        raise ConfigError(
            f"there is no MLflow store {store}; start with: ablate sweep study=quickstart."
        )
    address = uri.rstrip("/") if is_server(uri) else f"http://{HOST}:{port}"
    # Opened here first: of a store that it cannot use the server tells in pages.
    check_database(root)
    try:
        follow_move(root)
        experiment = find_experiment(root, study or "Default")
    except Exception as error:  # whatever MLflow raises for a store it cannot use
        raise AblateError(not_mirrored(error)) from error
    if study is not None:
        if experiment is None:
            remedy = typed(f"ablate sync {study}", root)
            raise ConfigError(f"MLflow knows no study '{study}'; `{remedy}` may help.")
        address += view_address(experiment)
    if is_server(uri):
        print(f"open {masked(address)}    (the server of MLFLOW_TRACKING_URI)")
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise ConfigError(f"--port={port}: only the system may listen there.") from None
        except OSError:
            said = f"--port={port}: something listens there already; take another."
            raise ConfigError(said) from None
    # Not among its words, where every user of the machine reads them: it may have a password.
    at = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_LOGGING_LEVEL": level}
    # Its job queue would start ten idle processes more; its own libraries' warnings are for MLflow.
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PYTHONWARNINGS": "ignore",
    }
    return _serve_mlflow(root, {**quiet, **os.environ, **at}, port, address)


def _serve_mlflow(root: Path, environment: Mapping[str, str], port: int, address: str) -> int:
    """Run MLflow's server and say where it is once it answers; return its exit code."""
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port),
        "--workers", "1", "--uvicorn-opts", "--log-level warning",
    ]  # fmt: skip
    # A group of its own: Ctrl-C is ours to answer, and ends all of its processes.
    with subprocess.Popen(
        command, env=environment, cwd=root, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as server:  # fmt: skip
        threading.Thread(target=_repeat, args=(server.stdout,), daemon=True).start()
        try:
            while server.poll() is None and not _answers(port):
                time.sleep(0.1)
            if server.poll() is None:
                print(f"open {address}    (Ctrl-C ends it)", flush=True)
            return server.wait()
        except KeyboardInterrupt:
            os.killpg(server.pid, signal.SIGTERM)
            return 0


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _repeat(lines: Iterable[str]) -> None:
    """Print what the server says but for what it says at every start, and passwords."""
    for line in lines:
        if not line.startswith(_SAID_AT_EVERY_START):
            print(masked(line), end="", file=sys.stderr, flush=True)
