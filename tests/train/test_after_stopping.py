"""A second training with the validation examples: steps, examples, ends, bits, and refusals."""

from typing import Any

import numpy as np
import pytest
from same_records import assert_same
from small import SMALL

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.records import Record
from ablate.train import again
from ablate.train.loop import train

#: It learns 200 examples by heart, so that validation is best before the end.
OVERFITS = {
    **SMALL,
    "data": {**SMALL["data"], "train_size": 60, "validation_size": 90},
    "optimizer": {"name": "momentum", "lr": 0.03},
    "schedule": {"name": "constant"},
    "trainer": {"steps": 60, "batch_size": 20, "eval_every": 5, "save": "last"},
}


def config_of(then: str, **changes: Any) -> RunConfig:
    stopping = {"name": "patience", "patience": 2, "then": then}
    return run_config({**OVERFITS, "stopping": stopping, **changes})


def trained(config: RunConfig, tmp_path, replicates=(0,)) -> list[Record]:
    return train(config, data_sets.load(config.data, tmp_path), list(replicates))


def test_retraining_is_a_training_on_all_examples_for_the_best_number_of_steps(tmp_path) -> None:
    (record,) = trained(config_of("retrain"), tmp_path)
    (stopped,) = trained(config_of("stop"), tmp_path)
    steps = record.metrics["stopping/best_step"]
    assert 5 <= steps < record.metrics["stopping/step"] < 60
    assert record.metrics["stopping/more_steps"] == steps
    # The same training, said by hand: validation examples join the 60, with the scaling by these.
    examples: list[int] = []
    step_of = again.take_step

    def counted(stack, optimizer, batch, *rest):
        examples.append(batch.inputs.shape[1])
        return step_of(stack, optimizer, batch, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(again, "take_step", counted)
        (once_more,) = trained(config_of("retrain"), tmp_path)
    assert_same(record, once_more)
    assert len(examples) == steps
    assert examples[:8] == [20] * 7 + [10]  # epochs of 60 + 90
    assert record.evaluations == stopped.evaluations
    # What is said of validation was measured before it was trained on.
    for name in ("validation/loss", "validation/accuracy"):
        assert record.metrics[name] == stopped.metrics[name]
    assert record.metrics["test/loss"] != stopped.metrics["test/loss"]


def test_going_on_ends_below_the_training_loss_at_the_stop_or_where_steps_are_used_up(
    tmp_path,
) -> None:
    (stopped,) = trained(config_of("stop"), tmp_path)
    used = stopped.metrics["stopping/step"]
    (record,) = trained(config_of("go_on"), tmp_path)
    more = record.metrics["stopping/more_steps"]
    assert 0 < more <= 60 - used
    trainer = {**OVERFITS["trainer"], "steps": 4000, "eval_every": 5}
    (longer,) = trained(config_of("go_on", trainer=trainer), tmp_path)
    assert longer.metrics["stopping/more_steps"] < 4000 - used
    assert longer.metrics["stopping/more_steps"] % 5 == 0
    assert longer.metrics["train/loss"] < stopped.metrics["train/loss"]
    assert longer.metrics["validation/loss"] == stopped.metrics["validation/loss"]


@pytest.mark.parametrize("then", ["retrain", "go_on"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_stack_has_the_bits_of_each_alone(then: str, dropout: float, tmp_path) -> None:
    model = {"name": "mlp", "width": 30, "depth": 2, "dropout": dropout}
    config = config_of(then, model=model)
    stacked = trained(config, tmp_path, range(3))
    ends = {record.metrics["stopping/more_steps"] for record in stacked}
    assert len(ends) > 1  # else nothing is tested
    for r, record in enumerate(stacked):
        (alone,) = trained(config, tmp_path, [r])
        assert_same(alone, record)


def test_without_a_second_training_nothing_is_said_of_one(tmp_path) -> None:
    (record,) = trained(config_of("stop"), tmp_path)
    assert "stopping/more_steps" not in record.metrics
    assert np.isfinite(record.metrics["validation/loss"])


@pytest.mark.parametrize(
    ("then", "changes", "said"),
    [
        ("retrain", {"schedule": {"name": "plateau"}}, "not allowed with schedule=plateau"),
        ("go_on", {"schedule": {"name": "cosine"}}, "needs schedule=constant"),
        ("go_on", {"schedule": {"name": "constant", "warmup": 0.5}}, "schedule.warmup=0"),
        ("retrain", {"trainer": {"bootstrap": True}}, "not allowed with a bootstrap sample"),
        ("retrain", {"ensemble": {"name": "bagging"}}, "not allowed with a bootstrap sample"),
        ("retrain", {"heads": {"name": "reconstruction"}}, "not allowed with heads=reconstruction"),
        (
            "retrain",
            {"stopping": {"name": "patience", "then": "retrain", "restore": False}},
            "not allowed with stopping.restore=false",
        ),
        (
            "retrain",
            {"trainer": {"_target_": "mylab.train.fit"}},
            "a training procedure of your own",
        ),
    ],
)
def test_what_cannot_be_done_again_is_refused(then: str, changes: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(then, **changes)
