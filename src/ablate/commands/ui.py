"""`ablate ui`: the MLflow UI over the right store, opened at the right view."""

import argparse
import os
import socket
import subprocess
import sys
from pathlib import Path

from ablate.commands.here import study_name, typed
from ablate.errors import AblateError, ConfigError
from ablate.secrets import masked
from ablate.store.live import not_mirrored
from ablate.store.tracking import (
    check_database,
    database_file,
    find_experiment,
    follow_move,
    is_server,
    tracking_uri,
    view_address,
)

HOST = "127.0.0.1"
_LAST_PORT = 65_535


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
    print(f"open {address}    (Ctrl-C ends it)", flush=True)
    command = [
        sys.executable, "-m", "mlflow", "server",
        "--host", HOST, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    # Not among its words, where every user of the machine reads them: it may have a password.
    at = {"MLFLOW_BACKEND_STORE_URI": uri}
    # Its job queue would start ten idle processes more.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with subprocess.Popen(command, env={**quiet, **os.environ, **at}, cwd=root) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
