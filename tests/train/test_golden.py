"""A few small runs whose numbers are written down: they change only with the results version.

Where an unchanged config gives other numbers, `RESULTS_VERSION` in `ablate/config/key.py` has to be
raised, or finished runs would be mixed with others. Then `python tests/train/test_golden.py` writes
the numbers anew.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate import data as data_sets
from ablate.config.key import RESULTS_VERSION
from ablate.config.validate import run_config
from ablate.train.loop import train

FILE = Path(__file__).with_name("golden.json")
DATA = {"name": "synthetic", "train_examples": 260, "test_examples": 60, "validation_size": 60}
RUNS = {
    "mlp": {"model": {"name": "mlp", "width": 24, "depth": 3, "activation": "tanh"},
            "optimizer": {"name": "momentum", "lr": 0.05}},
    "regularized": {"model": {"name": "mlp", "width": 24, "norm": "batch", "dropout": 0.3},
                    "optimizer": {"name": "adamw", "weight_decay": 0.1},
                    "loss": {"name": "cross_entropy", "label_smoothing": 0.1},
                    "penalty": {"name": "l1", "proximal": True}, "schedule": {"name": "cosine"}},
    "images": {"model": {"name": "cnn", "channels": [8, 8]}, "data": {**DATA, "shape": [1, 8, 8]},
               "augment": {"flip": "random", "crop": 1, "rotation": 10.0, "mixup": 0.2},
               "optimizer": {"name": "adam", "lr": 0.01}},
}  # fmt: skip


def trained(name: str) -> dict:
    config = run_config({"data": DATA, "trainer": {"epochs": 4, "batch_size": 32}, **RUNS[name]})
    (record,) = train(config, data_sets.load(config.data, Path(), 0), [3])
    digest = hashlib.sha256(record.losses.tobytes())
    digest.update(record.predictions.tobytes())
    for key in sorted(record.probe):
        digest.update(np.ascontiguousarray(record.probe[key]).tobytes())
    return {
        "losses": [float(loss) for loss in record.losses],
        "metrics": dict(record.metrics),
        "bits": digest.hexdigest(),
    }


def vendor() -> str:
    """Return whose processor this is: MKL chooses its kernels by that, and they round otherwise."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("vendor_id")), "unknown")


def platform() -> str:
    return f"torch {torch.__version__} {torch.backends.cpu.get_cpu_capability()} {vendor()}"


def with_bits(found: dict, kept: dict) -> dict:
    """Return a run's numbers with its bits by platform: those known of others stay."""
    return found | {"bits": kept.get("bits", {}) | {platform(): found["bits"]}}


@pytest.mark.parametrize("name", RUNS)
def test_the_numbers_are_those_written_down(name: str) -> None:
    golden = json.loads(FILE.read_text())
    assert golden["results_version"] == RESULTS_VERSION, "write the numbers anew, see the docstring"
    found, kept = trained(name), golden["runs"][name]
    # Other instructions round otherwise: with AVX2, and with none, these losses moved by 4e-7 of
    # their size, those of images by 1.2e-3.
    assert found["losses"] == pytest.approx(kept["losses"], rel=1e-2)
    assert set(found["metrics"]) == set(kept["metrics"])
    # Bits are known of the platforms they were written down on.
    if platform() in kept["bits"]:
        assert found["bits"] == kept["bits"][platform()]


if __name__ == "__main__":
    from ablate.train.process import prepare_process

    prepare_process(threads=1)
    before = json.loads(FILE.read_text())
    known = before["runs"] if before["results_version"] == RESULTS_VERSION else {}
    runs = {name: with_bits(trained(name), known.get(name, {})) for name in RUNS}
    content = {"results_version": RESULTS_VERSION, "runs": runs}
    FILE.write_text(json.dumps(content, indent=1) + "\n")
