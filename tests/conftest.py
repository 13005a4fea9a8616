"""What holds for all tests: the settings of a worker process, in which bits are promised."""

import gc
import os
import signal
import sys
from pathlib import Path

import jaxtyping
import pytest
from hypothesis import settings

import ablate

# Before any test imports torch: OpenMP and MKL read these once.
os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MKL_CBWR": "AUTO"}

# A shell ignores Ctrl-C for what it starts in the background, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules whose signatures give shapes are held to them in every call that a test makes; one costs
# 40 us, which is why other modules' calls, and those in workers, are not looked at.
PACKAGE = Path(ablate.__file__).parent
jaxtyping.install_import_hook(
    [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if "from jaxtyping import" in path.read_text(encoding="utf-8")
    ],
    "beartype.beartype",
)

# `mylab` is what a user's own code looks like.
sys.path.append(str(Path(__file__).parent))

# A shared machine may stall for seconds; how long an example takes is nobody's property here.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow database without experiments: making one takes seconds, a copy none."""
    from ablate.store.tracking import open_store

    root = tmp_path_factory.mktemp("mlflow")
    store = open_store(root, "none", "?")
    store.client.delete_experiment(store.experiment_id)
    return root / "mlflow.db"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole sweeps first in either half of the tests: two processes begin with a half each.

    Long tests that come last are one process's work alone.
    """
    sweeps = [item for item in items if "end_to_end" in item.nodeid]
    rest = [item for item in items if "end_to_end" not in item.nodeid]
    modules = sorted({item.path for item in sweeps})
    first = [item for item in sweeps if item.path in modules[::2]]
    second = [item for item in sweeps if item.path not in modules[::2]]
    middle = max(0, len(items) // 2 - len(first))
    items[:] = [*first, *rest[:middle], *second, *rest[middle:]]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the tests: modules by the thousand.

    statsmodels collects at every call, and each time would walk through all of them.
    """
    gc.collect()
    gc.freeze()
