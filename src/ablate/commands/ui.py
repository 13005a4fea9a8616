"""`ablate ui`: the MLflow UI over the right store, opened at the right view."""

import argparse
import os
import socket
import subprocess
import sys
from pathlib import Path

from ablate.commands.here import study_name, typed
from ablate.errors import ConfigError
from ablate.store.tracking import find_experiment, tracking_uri, view_address

HOST = "127.0.0.1"


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
    uri = tracking_uri(root)
    if uri.startswith("sqlite:") and not (root / "mlflow.db").exists():
        raise ConfigError(
            f"there is no MLflow store in {root}; start with: ablate sweep study=quickstart."
        )
    address = f"http://{HOST}:{port}"
    if study is not None:
        experiment = find_experiment(root, study)
        if experiment is None:
            remedy = typed(f"ablate sync {study}", root)
            raise ConfigError(f"MLflow knows no study '{study}'; `{remedy}` may help.")
        address += view_address(experiment)
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise ConfigError(f"--port={port}: something listens there already; take another.")
    print(f"open {address}    (Ctrl-C ends it)", flush=True)
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri,
        "--host", HOST, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    # Its job queue would start ten idle processes more.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with subprocess.Popen(command, env={**quiet, **os.environ}, cwd=root) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
