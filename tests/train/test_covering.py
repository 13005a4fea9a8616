"""Every pair of options meets in at least one quick run, or is refused in one plain sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from option_rows import all_pairs, checked, covering_array, is_refused, pairs_of, settings

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.launch.ensemble_run import form
from ablate.launch.members import member_numbers, training_config
from ablate.records import Record
from ablate.store.ledger import write_run
from ablate.tasks import build_task
from ablate.train.loop import train

REFUSED = [
    "lbfgs-activation_l1",
    "lbfgs-elastic_net",
    "lbfgs-l1",
    "lbfgs-l1 proximal",
    "lbfgs-inverted",
    "lbfgs-standard",
    "lbfgs-gaussian",
    "lbfgs-drop_connect",
    "lbfgs-unscaled",
    "lbfgs-mc_dropout",
    *(f"tied-{name}" for name in ("cnn", "lenet", "fitnet1", "resnet20")),
    "standard-features",
    "affine-features",
    "lens-features",
    "alternating_flip-features",
    "views-white",
    "views-features",
    "none-mc_dropout",
    "snapshot-patience",
    "cnn-features",
    "lenet-digits",
    "lenet-white",
    "lenet-features",
    "fitnet1-features",
    "resnet20-features",
    *(f"{name}-autoencoders" for name in ("cnn", "lenet", "fitnet1", "resnet20")),
]

ROWS = covering_array()
#: They take minutes together: every second one waits for the long tests.
HALVES = [
    pytest.param(row, marks=[pytest.mark.long] if k % 2 else []) for k, row in enumerate(ROWS)
]


def trained(config: RunConfig, tmp_path: Path) -> Record:
    """Train one replicate, through its members where it is an ensemble."""
    data = data_sets.load(config.data, tmp_path, config.seed)
    if not member_numbers(config):
        return train(config, data, [0])[0]
    folders = []
    for member in member_numbers(config):
        record = train(training_config(config), data, [0], members=[member])[0]
        folders.append(tmp_path / str(member))
        write_run(folders[-1], record, {}, "key", {}, "now")
    task = build_task(config, data.task)
    return form(config, task, folders, data.test[1].numpy())


@pytest.mark.parametrize("row", HALVES, ids=lambda row: "-".join(map(str, row.values())))
def test_options_work_together(row: dict[str, Any], tmp_path: Path) -> None:
    record = trained(checked(settings(row)), tmp_path)
    # Little is learnt in three steps; what counts is that every number is there and finite.
    assert record.status in ("done", "diverged")
    if record.nc_reason != "nonfinite":
        assert np.isfinite(list(record.metrics.values())).all()
        assert 0 <= record.metrics["test/accuracy"] <= 1
        assert record.predictions is not None
        assert record.predictions.shape == (24, 10)


def test_every_pair_meets_or_is_refused() -> None:
    met = set().union(*map(pairs_of, ROWS))
    refused = [pair for pair in all_pairs() if frozenset(pair.items()) not in met]
    assert all(map(is_refused, refused))
    # The only ones: nothing else may start to be refused without a word here.
    assert ["-".join(pair.values()) for pair in refused] == REFUSED
