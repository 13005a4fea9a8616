"""What the options of a run do to a whole training."""

import numpy as np
import pytest
import torch
from small import SMALL

from ablate import data as data_sets
from ablate.config.validate import run_config
from ablate.metrics.scores import log_probabilities, scores
from ablate.streams import Streams
from ablate.train.prepare import bootstrap, prepare

PATIENCE = {"name": "patience", "patience": 3}


@pytest.fixture
def run(run):
    def changed(replicates=(0,), members=None, **changes):
        return run(run_config({**SMALL, **changes}), replicates, members)

    return changed


def overfitting(**stopping):
    """Train until validation gets worse: two classes that cannot be told apart."""
    data = {**SMALL["data"], "separation": 0.15}
    trainer = {"epochs": 30, "batch_size": 37, "save": "last"}
    return {"data": data, "trainer": trainer, "stopping": {**PATIENCE, **stopping}}


def test_early_stopping_ends_after_patience_and_restores_the_best(run):
    record = run(**overfitting())[0]
    history = [row["validation/loss"] for row in record.evaluations]
    best = int(np.argmin(history))
    assert len(history) == best + 1 + 3  # patience 3: three evaluations without a better one
    assert len(history) < 31
    assert len(record.losses) == record.evaluations[-1]["step"] == record.metrics["stopping/step"]
    assert record.metrics["stopping/best_step"] == record.evaluations[best]["step"]
    # Restored: the final network is the one of the best evaluation.
    assert record.metrics["validation/loss"] == history[best]
    assert record.probe["steps"][-1] == len(record.losses)


def test_early_stopping_without_restore_keeps_the_last(run):
    record = run(**overfitting(restore=False))[0]
    assert record.metrics["validation/loss"] == record.evaluations[-1]["validation/loss"]
    assert record.metrics["validation/loss"] > record.evaluations[-4]["validation/loss"]


@pytest.mark.parametrize("restore", [True, False])
def test_a_replicate_that_stops_does_not_touch_the_others(run, restore):
    stack = run([0, 1, 2], **overfitting(restore=restore))
    assert len({len(record.losses) for record in stack}) > 1
    for replicate, record in enumerate(stack):
        alone = run([replicate], **overfitting(restore=restore))[0]
        assert alone.losses.tobytes() == record.losses.tobytes()
        assert alone.metrics == record.metrics
        assert alone.evaluations == record.evaluations
        for name, weight in alone.weights.items():
            assert weight.tobytes() == record.weights[name].tobytes()
        for name, array in alone.probe.items():
            assert array.tobytes() == record.probe[name].tobytes()


def test_stopping_draws_no_random_numbers(run):
    """The steps taken are those of the training that goes on."""
    stopped = run(**overfitting())[0]
    whole = run(**{**overfitting(), "stopping": {"name": "none"}})[0]
    assert whole.losses[: len(stopped.losses)].tobytes() == stopped.losses.tobytes()
    assert len(whole.losses) > len(stopped.losses)


def test_label_smoothing_trains_on_smoothed_targets_and_reports_both(run, tmp_path):
    plain = run()[0]
    smooth = run(loss={"name": "cross_entropy", "label_smoothing": 0.1})[0]
    assert smooth.losses[0] != plain.losses[0]
    metrics = smooth.metrics
    assert metrics["test/loss"] > metrics["test/nll"]
    assert plain.metrics["test/loss"] == plain.metrics["test/nll"]


def test_smoothed_loss_cannot_fall_below_the_entropy_of_its_targets():
    """K = 10, a = 0.1: 0.5003 nats (references: the entropy of 0.91 once and 0.01 nine times)."""
    target = np.full(10, 0.01)
    target[3] = 0.91
    best = scores(np.log(target)[None].astype(np.float64), np.array([3]), 0.1)["loss"]
    assert best == pytest.approx(-(target * np.log(target)).sum(), rel=1e-12)
    assert best == pytest.approx(0.5003, abs=5e-5)
    other = scores(np.log(target)[None] * 1.1, np.array([3]), 0.1)["loss"]
    assert other > best
    log_p = log_probabilities(np.random.default_rng(0).standard_normal((50, 10)))
    labels = np.arange(50) % 10
    torchs = torch.nn.functional.cross_entropy(
        torch.from_numpy(log_p), torch.from_numpy(labels), label_smoothing=0.1
    )
    assert scores(log_p, labels, 0.1)["loss"] == pytest.approx(float(torchs), rel=1e-12)


def test_members_differ_in_everything_but_the_split(run, tmp_path):
    config = run_config(SMALL)
    data = data_sets.load(config.data, tmp_path, 0)
    first, second = (prepare(config, data, [Streams(0, 4, m)], "cpu") for m in (0, 1))
    assert torch.equal(first.training_indices, second.training_indices)
    assert torch.equal(first.validation_indices, second.validation_indices)
    assert not torch.equal(first.order(0), second.order(0))
    weights = [stack.network.chain[0].linear.weight for stack in (first, second)]
    assert not torch.equal(*weights)


def test_member_0_is_the_plain_run_and_a_stack_of_members_changes_nothing(run):
    plain = run([3])[0]
    stack = run([3, 3, 4], [0, 2, 2])
    assert stack[0].losses.tobytes() == plain.losses.tobytes()
    assert stack[0].predictions.tobytes() == plain.predictions.tobytes()
    assert run([3], [2])[0].predictions.tobytes() == stack[1].predictions.tobytes()
    assert stack[1].predictions.tobytes() != plain.predictions.tobytes()


def test_a_bootstrap_sample_holds_63_percent_of_the_examples():
    indices = torch.arange(100, 20_100)
    shares = []
    for member in range(20):
        drawn = bootstrap(indices, Streams(0, 0, member))
        assert len(drawn) == len(indices)
        assert set(drawn.tolist()) <= set(indices.tolist())
        shares.append(len(set(drawn.tolist())) / len(indices))
    # 1 - (1 - 1/N)^N; the share's sd is about sqrt(0.0972/N) = 0.0022, of 20 means 0.0005.
    assert np.mean(shares) == pytest.approx(1 - (1 - 1 / 20_000) ** 20_000, abs=0.0025)
    assert len(set(shares)) > 1


def test_bagging_trains_on_a_sample_of_the_same_split(run, tmp_path):
    config = run_config({**SMALL, "ensemble": {"name": "bagging", "size": 1}})
    data = data_sets.load(config.data, tmp_path, 0)
    bag = prepare(config, data, [Streams(0, 4, 1)], "cpu")
    plain = prepare(run_config(SMALL), data, [Streams(0, 4, 1)], "cpu")
    assert torch.equal(bag.validation_indices, plain.validation_indices)
    assert set(bag.training_indices[0].tolist()) < set(plain.training_indices[0].tolist())
    # Scaled by the split's statistics, not the sample's: inputs of one example agree.
    assert torch.equal(bag.training.scaling.scale, plain.training.scaling.scale)


def test_snapshots_are_taken_at_equal_distances_and_the_last_is_the_network(run):
    ensemble = {"name": "snapshot", "size": 1, "snapshots": 3}
    record = run(ensemble=ensemble, schedule={"name": "cosine_restarts", "cycles": 3})[0]
    assert record.members.shape == (3, 60, 10)
    assert record.members[-1].tobytes() == record.predictions.tobytes()
    assert record.members[0].tobytes() != record.members[1].tobytes()
    # Taking them changes nothing.
    plain = run(schedule={"name": "cosine_restarts", "cycles": 3})[0]
    assert plain.losses.tobytes() == record.losses.tobytes()
    assert plain.members is None
    # The first is what a training of a third of the length would end with.
    shorter = run(trainer={"epochs": 1, "batch_size": 37}, schedule={"name": "cosine"})[0]
    assert shorter.predictions.tobytes() == record.members[0].tobytes()


@pytest.mark.parametrize("kind", ["inverted", "standard", "gaussian", "drop_connect"])
def test_monte_carlo_dropout_averages_to_the_weight_scaled_network(run, kind):
    ensemble = {"name": "mc_dropout", "size": 1, "passes": 200}
    model = {**SMALL["model"], "dropout": 0.2, "dropout_kind": kind}
    _, record = run([1, 0], ensemble=ensemble, model=model)
    assert record.members.shape == (200, 60, 10)
    assert len({member.tobytes() for member in record.members}) == 200
    mean = np.mean([np.exp(log_probabilities(m.astype(np.float32))) for m in record.members], 0)
    plain = np.exp(log_probabilities(record.predictions.astype(np.float32)))
    # Weight scaling is an approximation of the average: close, not equal.
    assert np.abs(mean - plain).max() < 0.3
    assert (mean.argmax(1) == plain.argmax(1)).mean() > 0.9
    alone = run([0], ensemble=ensemble, model=model)[0]
    assert alone.members.tobytes() == record.members.tobytes()


def test_plateau_lowers_the_rate_when_validation_stalls(run):
    schedule = {"name": "plateau", "patience": 2, "gamma": 0.1}
    data = {**SMALL["data"], "separation": 0.15}
    trainer = {"epochs": 15, "batch_size": 37}
    for replicate in (0, 1):
        (record,) = run([replicate], data=data, trainer=trainer, schedule=schedule)
        rates = [row["lr"] for row in record.evaluations]
        assert rates[0] == 0.05
        assert rates[-1] < 0.05
        assert {round(np.log10(rate / 0.05)) for rate in rates} >= {0, -1}


def test_lbfgs_lowers_the_loss_of_a_full_batch_in_few_steps(run):
    trainer = {"epochs": 6, "batch_size": 300}
    record = run(optimizer={"name": "lbfgs"}, trainer=trainer)[0]
    assert len(record.losses) == 6
    assert (np.diff(record.losses[:4]) < 0).all()
    assert record.losses[-1] < 1e-6  # as low as float32 goes
    momentum = run(trainer=trainer)[0]
    assert record.losses[-1] < 0.2 * momentum.losses[-1]


def test_views_average_probabilities(run):
    images = {"name": "synthetic", "shape": [1, 8, 8], "train_examples": 150,
              "test_examples": 30, "validation_size": 20}  # fmt: skip
    once = run(data=images)[0]
    one = run(data=images, augment={"test_shift": 1})[0]
    many = run(data=images, augment={"test_crops": 9, "test_shift": 1, "test_flip": True})[0]
    assert one.predictions.tobytes() == once.predictions.tobytes()
    assert many.losses.tobytes() == once.losses.tobytes()  # training is the same
    assert many.predictions.tobytes() != once.predictions.tobytes()
    assert many.multiply_adds == 18 * once.multiply_adds
    # Log-probabilities: they sum to one as they are.
    total = np.exp(many.predictions.astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(total, 1, atol=2e-3)  # float16


def test_population_statistics_change_inference_only(run):
    model = {**SMALL["model"], "norm": "batch"}
    running = run(model=model)[0]
    exact = run(model={**model, "statistics": "population"})[0]
    assert running.losses.tobytes() == exact.losses.tobytes()
    assert running.predictions.tobytes() != exact.predictions.tobytes()
    assert exact.metrics["test/accuracy"] > 0.7


def test_weights_are_told(run):
    metrics = run(trainer={"epochs": 1, "batch_size": 37, "save": "last"})[0]
    weights = [w for w in metrics.weights.values() if w.ndim > 1]
    norm = np.sqrt(sum(float((w.astype(np.float64) ** 2).sum()) for w in weights))
    assert metrics.metrics["weights/norm"] == pytest.approx(norm, rel=1e-12)
    assert metrics.metrics["weights/zero"] == 0
    small = sum(int((np.abs(w) < 1e-3).sum()) for w in weights) / sum(w.size for w in weights)
    assert metrics.metrics["weights/small"] == pytest.approx(small, rel=1e-12)
