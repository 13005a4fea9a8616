"""Every task meets every kind of data, model, norm, optimizer, ensemble and stopping, or is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from option_rows import (
    FACTORS,
    NEUTRAL,
    OF_TOKENS,
    all_pairs,
    checked,
    covering_array,
    is_refused,
    pairs_of,
    settings,
)
from same_records import assert_same
from test_covering import trained

from ablate import data as data_sets
from ablate.config.task import FACTS
from ablate.launch.jobs import is_exact
from ablate.launch.members import training_config
from ablate.train.loop import train

OPTIONS = {
    "task": ["classification", "regression", "multilabel", "next_token", "own"],
    "model": [*FACTORS["model"], *OF_TOKENS],
    **{name: FACTORS[name] for name in ("norm", "optimizer", "ensemble", "stopping")},
}
ROWS = covering_array(OPTIONS)
#: What a task or a model of tokens refuses; the rest is refused of classes over numbers as well.
REFUSED = [
    *(f"next_token-{name}" for name in FACTORS["model"]),
    *(f"next_token-{norm}" for norm in ("batch", "batch_after", "group")),
    *(f"transformer-{norm}" for norm in ("batch", "batch_after", "group")),
    *(f"lstm-{norm}" for norm in ("batch", "batch_after", "layer", "group")),
]


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row.values())))
def test_every_task_trains_with_it(row: dict[str, Any], tmp_path: Path) -> None:
    drops = {"dropout": "inverted"} if row["ensemble"] == "mc_dropout" else {}
    config = checked(settings(NEUTRAL | drops | row))
    record = trained(config, tmp_path)
    assert record.status in ("done", "diverged")
    if record.nc_reason == "nonfinite":
        return
    assert np.isfinite(list(record.metrics.values())).all()
    assert record.predictions is not None
    watched = FACTS[row["task"]].scores[0] if row["task"] in FACTS else "mean_miss"
    assert f"test/{watched}" in record.metrics
    if row["ensemble"] == "none" and is_exact(config, "cpu") and not config.trains_one_by_one:
        data = data_sets.load(config.data, tmp_path, config.seed)
        stack = train(training_config(config), data, [3, 0])
        assert_same(record, stack[1])


def test_every_pair_meets_or_is_refused() -> None:
    met = set().union(*map(pairs_of, ROWS))
    refused = [pair for pair in all_pairs(OPTIONS) if frozenset(pair.items()) not in met]
    assert all(map(is_refused, refused))
    own = [pair for pair in refused if {"task", "model"} & pair.keys()]
    assert ["-".join(pair.values()) for pair in own] == REFUSED


@pytest.mark.parametrize("task", OPTIONS["task"])
def test_every_task_trains_in_bf16(task: str, tmp_path: Path) -> None:
    model = "transformer" if task == "next_token" else "mlp"
    row = NEUTRAL | {"task": task, "model": model, "precision": "bf16"}
    record = trained(checked(settings(row)), tmp_path)
    assert record.nc_reason != "nonfinite"
    assert np.isfinite(list(record.metrics.values())).all()
