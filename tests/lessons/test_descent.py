"""The optimizers of training on Beale's function: the printed number of steps to f < 1e-4."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from ablate.config.optimizer import OptimizerConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.descent import descend, follow
from ablate.lessons.surfaces import SURFACES
from ablate.streams import Streams

BEALE, RAVINE = SURFACES["beale"], SURFACES["ravine"]
BELOW, ACROSS = BEALE.starts
#: Optimizer, learning rate, settings, start, and the printed step. The lectures' rules add 1e-7
#: to the root; only 0.99 is their second decay rate.
REACHED = [
    ("sgd", 1e-3, {}, BELOW, 9043),
    ("momentum", 1e-4, {}, ACROSS, 8519),
    ("nesterov", 3e-4, {}, BELOW, 2981),
    ("adagrad", 1.0, {}, BELOW, 3759),
    ("rmsprop", 1e-2, {"eps": 1e-7}, BELOW, 1228),
    ("rmsprop_momentum", 1e-2, {"eps": 1e-7}, BELOW, 635),
    ("adam", 1e-2, {"beta2": 0.99, "eps": 1e-7}, BELOW, 1366),
    ("adam", 1.0, {"beta2": 0.99, "eps": 1e-7}, BELOW, 217),
    ("adam", 1.0, {"beta2": 0.99, "eps": 1e-7}, ACROSS, 624),
    ("adam", 1e-2, {"eps": 1e-7}, BELOW, 6546),
    ("adam", 1.0, {"eps": 1e-7}, BELOW, 283),
    ("adam", 1.0, {"eps": 1e-7}, ACROSS, 1442),
]
DIVERGED = [("sgd", 1e-3, 3), ("momentum", 3e-4, 5), ("nesterov", 3e-4, 4), ("nesterov", 1e-4, 20)]


def optimizer(name: str, lr: float, **settings: float) -> OptimizerConfig:
    return TypeAdapter(OptimizerConfig).validate_python({"name": name, "lr": lr, **settings})


@pytest.mark.parametrize(
    ("name", "lr", "settings", "start", "step"),
    REACHED,
    ids=[f"{row[0]}-{row[1]:g}-{row[4]}" for row in REACHED],
)
def test_an_optimizer_reaches_the_tolerance_at_the_printed_step(name, lr, settings, start, step):
    path = descend(BEALE, optimizer(name, lr, **settings), start, steps=10_000)
    # All are exact here. Kernels of other processors may round otherwise: one step of leeway in
    # a thousand, from a start where the path does not hang on rounding.
    assert path.reached == pytest.approx(step, abs=1 + step // 1000)
    assert len(path.points) == len(path.values) == path.reached + 1
    assert path.values[-1] < 1e-4 <= path.values[-2]
    assert path.diverged_at is None
    assert path.points[0] == pytest.approx(start, abs=0)


@pytest.mark.parametrize(
    ("name", "lr", "step"), DIVERGED, ids=[f"{n}-{r:g}" for n, r, _ in DIVERGED]
)
def test_an_optimizer_diverges_at_the_printed_step(name, lr, step):
    path = descend(BEALE, optimizer(name, lr), ACROSS, steps=100)
    assert path.diverged_at == len(path.points) - 1 == step
    assert path.reached is None
    assert np.abs(path.points[-1]).max() > 1e6


def test_a_small_rate_runs_out_of_steps():
    path = descend(BEALE, optimizer("sgd", 1e-4), BELOW, steps=500)
    assert path.reached is None
    assert path.diverged_at is None
    assert len(path.points) == 501
    assert (np.diff(path.values) < 0).all()


def test_gradient_descent_shrinks_each_axis_of_a_quadratic_by_its_own_factor():
    lr = 0.01
    path = descend(RAVINE, optimizer("sgd", lr), (-10.0, 1.0), steps=60)
    step = np.arange(61)
    exact = np.stack([-10 * (1 - 1.8 * lr) ** step, (1 - 180 * lr) ** step], axis=1)
    # 60 roundings of 1e-16, of numbers up to 10.
    assert path.points == pytest.approx(exact, abs=1e-13)


def test_adam_first_step_is_its_rate_in_each_coordinate():
    path = descend(BEALE, optimizer("adam", 0.1, eps=1e-12), BELOW, steps=1)
    # eps over a gradient of hundreds.
    assert path.points[1] - path.points[0] == pytest.approx([-0.1, 0.1], abs=1e-12)


def test_clipping_keeps_a_large_rate_from_diverging():
    clipped = descend(BEALE, optimizer("sgd", 1e-3, clip_norm=100.0), ACROSS, steps=200)
    assert clipped.diverged_at is None
    # The first gradient's norm is 13,708.
    assert np.linalg.norm(clipped.points[1] - clipped.points[0]) == pytest.approx(0.1, rel=1e-12)


def test_lbfgs_needs_a_few_calls():
    path = descend(BEALE, optimizer("lbfgs", 1.0, iterations=10), BELOW, steps=10)
    assert path.reached is not None
    assert path.reached <= 4


@pytest.mark.parametrize(("name", "lr"), [("adam", 1.0), ("rmsprop_momentum", 0.1), ("lbfgs", 1.0)])
def test_what_is_counted_is_what_was_evaluated(name, lr):
    points = []

    def gradient(x, y):
        points.append((x, y))
        return BEALE.gradient(x, y)

    settings = {"iterations": 1} if name == "lbfgs" else {}
    counted = replace(BEALE, gradient=gradient)
    path = descend(counted, optimizer(name, lr, **settings), BELOW, steps=1000)
    assert path.reached is not None
    assert path.gradients[-1] == len(points)
    # A step of all but L-BFGS takes one; that one evaluates no point twice.
    assert name == "lbfgs" or path.gradients.tolist() == list(range(path.reached + 1))
    assert name != "lbfgs" or len(set(points)) == len(points) > path.reached
    assert not path.hessians.any()


def config(name: str, lr: float, **settings: float):
    of = {"name": name, "lr": lr, **settings}
    return run_config({"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": of})


ONE = Streams(0, 0)


@pytest.mark.parametrize("method", ["optimizer", "newton", "bfgs", "cg"])
def test_a_run_tells_what_it_took_to_the_tolerance(method):
    start = RAVINE.starts[0]
    outcome = follow(config("sgd", 0.01), None, ONE, "ravine", start, method=method)
    told, last = outcome.metrics, outcome.evaluations[-1]
    assert outcome.converged
    assert told["f"] == last["f"] < 1e-4
    assert (told["steps"], told["gradients"], told["hessians"]) == tuple(
        last[name] for name in ("step", "gradients", "hessians")
    )
    assert told["effort"] == told["gradients"]
    # Plain descent on the axis of curvature 1.8: f = 44.1 (1 - 1.8 lr)^2k; 0.8^2k is soon nothing.
    exact = {"newton": 1, "optimizer": np.ceil(np.log(1e-4 / 44.1) / np.log(0.982) / 2)}
    assert told["steps"] == exact.get(method, told["steps"])


def test_the_effort_of_what_fails_is_less_the_lower_it_comes():
    found = {
        lr: follow(config("sgd", lr), None, ONE, "ravine", (-10.0, 1.0), steps=50).metrics
        for lr in (0.001, 0.003, 1.0)
    }
    for lr, told in found.items():
        assert "gradients" not in told
        f = 1e300 if lr == 1.0 else told["f"]
        assert told["effort"] == pytest.approx(50 * (1 + np.log10(f / 1e-4)))
    assert 50 < found[0.003]["effort"] < found[0.001]["effort"] < found[1.0]["effort"]
    # 179 times as far each step: (1 - 180) of y = 1.
    assert found[1.0]["diverged_at"] == 3


def longest(name: str, steps: int) -> float:
    outcome = follow(config(name, 0.1), None, ONE, "beale", BELOW, steps=steps)
    return outcome.metrics["longest_step"]


def test_without_correction_the_first_steps_of_adam_are_long():
    # eps = 1e-8 over gradients of hundreds.
    assert longest("adam", 1) == pytest.approx(0.1 * 2**0.5, rel=1e-9)
    first = (1 - 0.9) / (1 - 0.999) ** 0.5
    assert longest("adam_uncorrected", 1) == pytest.approx(first * longest("adam", 1), rel=1e-9)
    # (1 - 0.9^t) / sqrt(1 - 0.999^t), for constant gradients, grows to 6.5 in ten steps.
    assert first * longest("adam", 10) < longest("adam_uncorrected", 10) < 6.5 * longest("adam", 10)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"surface": "bowl"}, "trainer.surface=bowl is not known; allowed are beale, "),
        ({"method": "cgs"}, "trainer.method=cgs is not known; allowed are optimizer, newton, "),
        ({"noise": -1.0}, "trainer.noise=-1.0 is not allowed; it must be 0 or more."),
        ({"shortest_step": -1e-3}, "trainer.shortest_step=-0.001 is not allowed; it must be 0"),
    ],
    ids=["surface", "method", "noise", "shortest step"],
)
def test_what_cannot_be_followed_is_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        follow(config("sgd", 0.1), None, ONE, **{"surface": "beale", "start": BELOW, **given})


def test_replicates_of_a_study_start_near_the_point_and_the_first_on_it():
    adam = config("adam", 1.0)
    starts = []
    for replicate in range(200):
        outcome = follow(adam, None, Streams(0, replicate), "beale", BELOW, steps=1, spread=0.02)
        first = outcome.evaluations[0]
        starts.append((first["x"], first["y"]))
    offsets = np.array(starts) - np.array(BELOW)
    assert (offsets[0] == 0).all()
    # A standard deviation of 398 draws is known to 3.5 %: three of those.
    assert offsets[1:].std() == pytest.approx(0.02, rel=0.11)
    same = follow(adam, None, Streams(0, 7), "beale", BELOW, steps=1)
    assert (same.evaluations[0]["x"], same.evaluations[0]["y"]) == BELOW


def on_saddle(replicate: int = 0, lr: float = 0.1, **arguments):
    streams = Streams(0, replicate)
    return follow(config("sgd", lr), None, streams, "saddle", (2.0, 0.0), **arguments)


def test_noise_leaves_a_saddle_in_which_descent_without_noise_ends():
    still = on_saddle(steps=300)
    assert not still.converged
    assert (still.metrics["y"], still.metrics["f"]) == (0.0, 0.25)
    assert on_saddle(steps=300, noise=0.0).metrics == still.metrics
    ends = [on_saddle(r, steps=300, noise=0.01) for r in range(8)]
    assert all(outcome.converged for outcome in ends)
    assert {round(outcome.metrics["y"]) for outcome in ends} == {-1, 1}


def test_noise_has_its_standard_deviation_and_its_own_stream():
    place, lr = SURFACES["ravine"], 0.001
    noisy = on_ravine(lr, noise=3.0).evaluations
    points = np.array([(row["x"], row["y"]) for row in noisy])
    slopes = np.stack(place.gradient(*points[:-1].T), axis=1)
    added = (points[:-1] - points[1:]) / lr - slopes
    # 200 draws: 5 % off at one standard error, here three.
    assert added.std() == pytest.approx(3.0, rel=0.15)
    # Where a replicate starts draws other numbers, and the same ones with noise and without.
    first = on_ravine(lr, noise=3.0, spread=0.5, replicate=3).evaluations[0]
    assert first == on_ravine(lr, spread=0.5, replicate=3).evaluations[0]


def on_ravine(lr: float, replicate: int = 0, **arguments):
    streams = Streams(0, replicate)
    return follow(config("sgd", lr), None, streams, "ravine", (-7.0, 0.7), steps=100, **arguments)


def test_each_axis_has_its_own_spread():
    ends = [on_ravine(0.001, replicate=r, spread=[0.5, 0.0]).evaluations[0] for r in range(1, 5)]
    assert {row["y"] for row in ends} == {0.7}
    assert len({row["x"] for row in ends}) == 4
    same = on_ravine(0.001, replicate=2, spread=0.5).evaluations[0]
    assert same["x"] == ends[1]["x"]


@pytest.mark.parametrize("method", ["optimizer", "bfgs"])
def test_a_rule_on_the_step_ends_a_path_in_the_minimum_that_it_finds(method):
    start, rule = (0.8, 2.2), {"shortest_step": 1e-5, "method": method}
    outcome = follow(config("sgd", 0.01), None, ONE, "several_minima", start, **rule)
    assert outcome.converged
    told = outcome.metrics
    assert told["f"] > 4
    (found,) = [
        place
        for place in SURFACES["several_minima"].others
        if np.hypot(told["x"] - place[0], told["y"] - place[1]) < 1e-3
    ]
    assert told["distance"] == pytest.approx(np.hypot(0.8 - told["x"], 2.2 - told["y"]))
    # It ends far above the tolerance: that counts where rates are tuned.
    assert told["gradients"] < 100 < told["effort"]
    if method == "optimizer":
        assert found == pytest.approx((0.0, 1.8337421))
        longer = outcome.evaluations[-2]
        assert np.hypot(longer["x"] - outcome.evaluations[-3]["x"],
                                longer["y"] - outcome.evaluations[-3]["y"]) >= 1e-5  # fmt: skip
        assert told["steps"] == len(outcome.evaluations) - 1


def test_on_a_plateau_the_rule_ends_descent_at_once():
    start = SURFACES["plateau"].starts[0]
    outcome = follow(config("sgd", 0.1), None, ONE, "plateau", start, shortest_step=1e-4)
    assert outcome.metrics["steps"] == 1
    assert outcome.metrics["f"] > 0.9999
