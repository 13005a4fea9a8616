"""What a training procedure that takes `run` may ask and tell, and what it says of slips."""

import numpy as np
import pytest
import torch
from torch import nn

import ablate
from ablate.config.key import run_key
from ablate.config.validate import run_config
from ablate.errors import AblateError
from ablate.nn.architectures import Shape
from ablate.nn.models import build_network
from ablate.probe.measure import measure, pack
from ablate.streams import Streams
from ablate.tasks.classification import Classification
from ablate.train.schedules import learning_rate

BASE = {
    "data": {"_target_": "mylab.data.rings"},
    "model": {"_target_": "mylab.nets.Net"},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"_target_": "mylab.train.fit"},
    "probe": {"steps": "ends", "examples": 40, "histograms": True},
}
PATIENCE = {"stopping": {"name": "patience", "patience": 2}}


def of(**changes):
    return ablate.Run(
        run_config({**BASE, **changes}), Classification, "cpu", "trainer=f", started=0.0
    )


def test_a_rate_is_that_of_the_configs_schedule():
    schedule = {"name": "cosine", "warmup": 1}
    run, config = of(schedule=schedule), run_config({**BASE, "schedule": schedule}).schedule
    for step in (0, 3, 10, 20):
        assert run.learning_rate(step, 20, 5) == learning_rate(config, 0.1, step, 20, 5)
    with pytest.raises(AblateError, match="trainer=f asks for the learning rate of step 21 of 20"):
        run.learning_rate(21, 20, 5)


def test_a_plateau_is_one_of_the_evaluations_told():
    run = of(schedule={"name": "plateau", "patience": 1, "gamma": 0.5})
    rates = []
    for step, loss in enumerate([1.0, 0.5, 0.6, 0.4, 0.7]):
        run.evaluate(step, {"validation/loss": loss})
        rates.append(run.learning_rate(step, 10, 5))
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025]


def test_it_stops_where_the_built_in_loop_would_and_says_which_is_best():
    run = of(**PATIENCE)
    seen = [
        (run.evaluate(step, {"validation/loss": loss}), run.is_best)
        for step, loss in enumerate([1.0, 0.5, 0.6, 0.5])
    ]
    assert seen == [(False, True), (False, True), (False, False), (True, False)]
    assert not of().evaluate(0, {"own": 3})


def test_what_the_loop_here_would_have_is_filled_in_unless_it_is_given():
    run = of()
    run.learning_rate(3, 8, 4)
    for loss in (2.0, torch.tensor(4.0)):
        run.loss(loss)
    run.evaluate(2, {"validation/loss": torch.tensor(0.5)})
    run.loss(1.0)
    run.evaluate(4, {"train/loss": 9.0, "lr": 7.0})
    first, second = run.told().evaluations
    assert first == {"step": 2, "epoch": 0.5, "lr": 0.1, "train/loss": 3.0, "validation/loss": 0.5}
    assert second == {"step": 4, "epoch": 1.0, "lr": 7.0, "train/loss": 9.0}
    assert run.told().losses.tolist() == [2.0, 4.0, 1.0]


def test_without_losses_those_of_evaluations_stand_for_the_steps_before_them():
    run = of()
    run.evaluate(0, {"validation/loss": 1.0})
    run.evaluate(2, {"train/loss": 3.0})
    run.evaluate(5, {"train/loss": 1.0})
    assert run.told().losses.tolist() == [3.0, 3.0, 1.0, 1.0, 1.0]
    run.evaluate(10**9, {"train/loss": 1.0})  # too long for a number per step
    assert not len(run.told().losses)


def test_a_loss_that_is_not_finite_ends_what_is_kept(run):
    rows = [{"at": 1, "validation/loss": 1.0}, {"at": 3, "validation/loss": 1.0}]
    trainer = {"_target_": "mylab.train.tells", "losses": [1.0, 2.0, 1e300, 1.0], "rows": rows}
    (record,) = run(run_config({**BASE, "trainer": trainer, "probe": {"steps": "off"}}))
    assert (record.nc_reason, record.diverged_at_step) == ("nonfinite", 2)
    assert record.losses.tolist() == [1.0, 2.0]
    assert [row["step"] for row in record.evaluations] == [1]
    assert len(record.evaluated_at) == 1


def test_stopping_is_reported_as_that_of_the_built_in_loop(run):
    rows = [{"at": s, "validation/loss": v} for s, v in ((0, 1.0), (5, 0.5), (10, 0.7))]
    trainer = {"_target_": "mylab.train.tells", "rows": rows}
    (record,) = run(run_config({**BASE, **PATIENCE, "trainer": trainer}))
    assert record.metrics == {
        "test/accuracy": 0.5, "stopping/step": 10.0, "stopping/best_step": 5.0,
    }  # fmt: skip
    assert list(record.evaluated_at) == sorted(record.evaluated_at)
    assert record.evaluated_at[0] > 0


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"rows": [{"at": 1, "x": "high"}]}, "must give run.evaluate as numbers by name"),
        ({"rows": [{"at": 0.5}]}, "gives run.evaluate with step = 0.5; it must be a whole number"),
        ({"rows": [{"at": 3}, {"at": 3}]}, "gives run.evaluate with step = 3 after 3; steps must"),
        ({"rows": [{"at": 1, "validation/accuracy": 90}]}, "gives validation/accuracy = 90; it"),
        ({"rows": [{"at": 1, "x": 1}], "again": True}, "gives evaluations while it trains and ag"),
        ({"losses": ["high"]}, "must give run.loss as numbers by name"),
        ({"losses": [1], "again": True}, "gives losses while it trains and again at its end"),
    ],
)
def test_a_slip_is_named(told, sentence, run):
    config = run_config({**BASE, "trainer": {"_target_": "mylab.train.tells", **told}})
    with pytest.raises(AblateError) as caught:
        run(config)
    assert str(caught.value).startswith("trainer=mylab.train.tells ")
    assert sentence in str(caught.value)


def test_what_is_monitored_must_be_told():
    sentence = "gives run.evaluate without validation/loss, which stopping.monitor looks at"
    with pytest.raises(AblateError, match=sentence):
        of(**PATIENCE).evaluate(1, {"validation/accuracy": 0.5})


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(60, 2, generator=generator), torch.arange(60) % 3


def test_a_probe_sees_what_it_sees_of_the_same_model_in_the_built_in_loop():
    config = run_config({**BASE, "trainer": {"epochs": 1}})
    network = build_network(config, Shape((2,)), 3, [Streams(0, 0)], "cpu", lambda: torch.empty(0))
    x, y = batch()
    run = of()
    run.probe(0, network.module, x, y)
    looks = measure(
        network, lambda: [(x[None, :40], y[None, :40])], Classification().total,
        lambda: torch.autocast("cpu", enabled=False), with_histograms=True,
    )  # fmt: skip
    expected, found = pack(network.layer_names, {0: looks[0]}), run.told().probe
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array, equal_nan=array.dtype.kind == "f"), name


def test_a_look_leaves_no_trace():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)
    )
    net[3].eval()
    x, y = batch()
    nn.functional.cross_entropy(net(x), y).backward()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    gradients = [p.grad.clone() for p in net.parameters()]
    modes, state = [m.training for m in net.modules()], torch.get_rng_state()
    of().probe(0, net, x, y)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, net.parameters(), strict=True))
    assert modes == [m.training for m in net.modules()]
    assert torch.equal(state, torch.get_rng_state())


def test_the_first_and_the_last_look_have_histograms():
    run, (x, y) = of(), batch()
    net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
    for step in (0, 5, 9):
        run.probe(step, net, x, y)
    probe = run.told().probe
    assert probe["steps"].tolist() == [0, 5, 9]
    assert probe["histogram_steps"].tolist() == [0, 9]
    for _ in range(7):
        run.loss(1.0)
    run.loss(float("nan"))  # step 7: the look at 5 is not one at the end
    probe = run.told().probe
    assert probe["steps"].tolist() == [0, 5]
    assert probe["histogram_steps"].tolist() == [0]


def test_without_a_probe_or_layers_nothing_is_looked_at_and_layers_stay_the_same():
    x, y = batch()
    off = of(probe={"steps": "off"})
    off.probe(0, nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)), x, y)
    flat = of()
    flat.probe(0, nn.Linear(2, 3), x, y)
    assert not off.told().probe
    assert not flat.told().probe
    run = of()
    run.probe(0, nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)), x, y)
    sentence = "trainer=f probes layers 1, 3 at step 1, and before 1; they must be the same"
    deeper = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    with pytest.raises(AblateError, match=sentence):
        run.probe(1, deeper, x, y)
    assert run.probe_steps(20) == (0, 20)


def test_groups_beside_a_procedure_are_its_to_read_and_part_of_the_key():
    changes = [
        {}, {"schedule": {"name": "cosine"}}, PATIENCE, {"optimizer": {"name": "sgd", "lr": 0.2}},
        {"penalty": {"name": "l1"}}, {"model": {"name": "mlp"}},
    ]  # fmt: skip
    keys = {run_key(run_config({**BASE, **one}), 0, "cpu", "") for one in changes}
    assert len(keys) == len(changes)
