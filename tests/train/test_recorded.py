"""What runs record beside their numbers where the probe asks for it: weights, training accuracy."""

import numpy as np
import pytest
from same_records import assert_same
from small import SMALL

from ablate.config.validate import run_config

WEIGHTS = {"weight_step", "weight_layers", "weight_statistics", "weight_exponents",
           "weight_histograms"}  # fmt: skip
SAVED = {**SMALL["trainer"], "save": "last"}


def config(probe: dict, **groups: dict):
    return run_config({**SMALL, "probe": {"steps": "ends", "examples": 64, **probe}, **groups})


def without(record, *names: str):
    """Return a record's probe and evaluations without what these settings add."""
    probe = {name: values for name, values in record.probe.items() if name not in WEIGHTS}
    rows = [{k: v for k, v in row.items() if k not in names} for row in record.evaluations]
    return probe, rows


def test_what_is_recorded_disturbs_nothing(run) -> None:
    plain = run(config({}))[0]
    asked = run(config({"weights": True, "train_accuracy": True}))[0]
    assert asked.probe.keys() - plain.probe.keys() == WEIGHTS
    assert asked.losses.tobytes() == plain.losses.tobytes()
    assert asked.metrics == plain.metrics
    probe, rows = without(asked, "train/accuracy")
    assert rows == list(plain.evaluations)
    assert all(probe[name].tobytes() == plain.probe[name].tobytes() for name in plain.probe)


def test_weights_are_those_that_the_run_ends_with(run) -> None:
    penalty = {"name": "l1", "strength": 0.01, "proximal": True}
    (record,) = run(config({"weights": True}, penalty=penalty, trainer=SAVED))
    saved = {name: w for name, w in record.weights.items() if w.ndim == 2}
    assert record.probe["weight_step"] == len(record.losses)
    for i, weight in enumerate(saved.values()):
        zero = float((weight == 0).mean())
        assert 0 < zero == record.probe["weight_statistics"][i, 1]
        assert record.probe["weight_histograms"][i].sum() == (weight != 0).sum()
    whole = sum(weight.size for weight in saved.values())
    zeros = sum((weight == 0).sum() for weight in saved.values())
    assert record.metrics["weights/zero"] == pytest.approx(zeros / whole, rel=1e-12)


def test_of_a_run_that_was_stopped_they_are_the_restored_ones(run) -> None:
    stopping = {"name": "patience", "patience": 1}
    long = {**SMALL["trainer"], "epochs": 30}
    asked = {"weights": True, "train_accuracy": True}
    (record,) = run(config(asked, stopping=stopping, trainer=long))
    best = int(record.metrics["stopping/best_step"])
    assert best < record.metrics["stopping/step"] < 30 * 9
    own = {**SMALL["trainer"], "epochs": best // 9}
    (short,) = run(config({"weights": True}, trainer=own))
    for name in ("weight_statistics", "weight_histograms"):
        assert record.probe[name].tobytes() == short.probe[name].tobytes()
    assert record.probe["weight_step"] == record.metrics["stopping/step"]


def test_training_accuracy_is_that_of_the_network_as_it_stands(run) -> None:
    (record,) = run(config({"train_accuracy": True}))
    found = [row["train/accuracy"] for row in record.evaluations]
    assert [row["step"] for row in record.evaluations] == [0, 9, 18, 27]
    assert found[-1] == record.metrics["train/accuracy"]
    assert found[0] < 0.3 < found[-1]


def test_how_alike_units_are_is_one_more_number_and_changes_no_other(run) -> None:
    plain, asked = run(config({}))[0], run(config({"units": True}))[0]
    units = {"units/alike", "units/effective"}
    assert asked.metrics.keys() - plain.metrics.keys() == units
    assert {n: v for n, v in asked.metrics.items() if n not in units} == plain.metrics
    assert asked.losses.tobytes() == plain.losses.tobytes()


def test_a_replicate_records_the_same_bits_alone_and_in_a_stack(run) -> None:
    asked = config({"weights": True, "train_accuracy": True, "units": True})
    assert_same(run(asked, [1])[0], run(asked, [0, 1, 2])[1])


def test_a_run_that_diverges_has_no_weights(run) -> None:
    (record,) = run(config({"weights": True}, optimizer={"name": "sgd", "lr": 1e8}))
    assert record.nc_reason == "nonfinite"
    assert not record.probe.keys() & WEIGHTS
    assert np.isfinite(record.losses).all()
