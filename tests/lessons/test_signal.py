"""Signal propagation: the printed theory and measurements of the lecture's seven cases."""

import numpy as np
import pytest

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.lessons.signal import LECTURE_CASES, lecture_experiment, moments, theory

INITS = {
    "small": {"name": "normal"}, "large": {"name": "normal", "std": 1.0},
    "xavier": {"name": "xavier"}, "he": {"name": "he"},
}  # fmt: skip
#: Standard deviation of activations, layers 1 to 10: theory as printed, with its digits.
THEORY = {
    "small relu": ".0584 4.13e-3 2.92e-4 2.06e-5 1.46e-6 1.03e-7 7.30e-9 5.16e-10 3.65e-11 2.58e-12",
    "small tanh": ".0990 9.90e-3 9.90e-4 9.90e-5 9.90e-6 9.90e-7 9.90e-8 9.90e-9 9.90e-10 9.90e-11",
    "large relu": "5.84 41.3 292 2.06e3 1.46e4 1.03e5 7.30e5 5.16e6 3.65e7 2.58e8",
    "large tanh": ".9594 .9577 .9576 .9576 .9576 .9576 .9576 .9576 .9576 .9576",
    "xavier tanh": ".6279 .4863 .4082 .3576 .3216 .2944 .2729 .2554 .2409 .2285",
    "xavier relu": ".5838 .4128 .2919 .2064 .1460 .1032 .0730 .0516 .0365 .0258",
    "he relu": ".8256 .8256 .8256 .8256 .8256 .8256 .8256 .8256 .8256 .8256",
}
#: The same measured: mean over seeds 0 to 19, and lowest and highest at layer 10.
MEASURED = {
    "small relu": (".0586 4.14e-3 2.96e-4 2.09e-5 1.49e-6 1.06e-7 7.41e-9 5.25e-10 3.54e-11 2.43e-12", (1.45e-12, 4.15e-12)),
    "small tanh": (".0991 9.91e-3 9.95e-4 1.00e-4 1.00e-5 9.96e-7 9.94e-8 9.98e-9 9.97e-10 1.00e-10", None),
    "large relu": ("5.86 41.4 296 2.09e3 1.49e4 1.06e5 7.41e5 5.25e6 3.54e7 2.43e8", (1.45e8, 4.15e8)),
    "large tanh": (".959 .958 .958 .958 .958 .958 .957 .958 .958 .958", None),
    "xavier tanh": (".627 .485 .408 .359 .322 .293 .271 .254 .239 .228", (0.218, 0.236)),
    "xavier relu": (".586 .414 .296 .209 .149 .106 .0741 .0525 .0354 .0243", (0.0145, 0.0415)),
    "he relu": (".828 .828 .838 .836 .841 .846 .839 .840 .800 .778", (0.463, 1.33)),
}  # fmt: skip
#: Standard deviation of dL/dh, layers 0 to 10, measured.
GRADIENTS = {
    "small relu": "3.07e-10 4.35e-9 6.12e-8 8.66e-7 1.23e-5 1.71e-4 2.44e-3 .0344 .489 7.11 100",
    "small tanh": "1.0e-8 1.0e-7 1.0e-6 1.0e-5 1.0e-4 1.0e-3 .010 .10 1.0 10 100",
    "large relu": "3.07e10 4.35e9 6.12e8 8.66e7 1.23e7 1.71e6 2.44e5 3.44e4 4.89e3 711 100",
    "large tanh": "5.27e5 2.26e5 9.57e4 4.07e4 1.73e4 7.29e3 3.07e3 1.31e3 553 235 100",
    "xavier tanh": "27.0 39.4 49.2 57.9 65.5 72.2 78.6 84.3 90.0 95.2 100",
    "xavier relu": "3.07 4.35 6.12 8.66 12.3 17.1 24.4 34.4 48.9 71.1 100",
    "he relu": "98.3 98.4 97.9 98.0 98.1 97.0 97.6 97.2 97.8 101 100",
}
#: Frobenius norm of dL/dW, layers 1 to 10, measured.
WEIGHT_GRADIENTS = {
    "small relu": "9.72e-6 9.65e-6 9.58e-6 9.70e-6 9.63e-6 9.53e-6 9.30e-6 9.75e-6 1.01e-5 9.62e-6",
    "large tanh": "1.67e8 6.89e7 2.91e7 1.25e7 5.23e6 2.22e6 9.35e5 3.98e5 1.68e5 7.17e4",
    "xavier tanh": "8.45e4 7.72e4 7.51e4 7.41e4 7.35e4 7.27e4 7.21e4 7.19e4 7.20e4 7.18e4",
    "he relu": "2.20e5 2.18e5 2.17e5 2.19e5 2.18e5 2.16e5 2.10e5 2.21e5 2.28e5 2.18e5",
}


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def digits(text: str) -> list[float]:
    """Half a unit of the last printed digit, relative: what rounding may have taken."""
    result = []
    for word in text.split():
        mantissa = word.split("e")[0].replace(".", "").lstrip("0")
        result.append(0.5 / int(mantissa))
    return result


def config(case: str, **model: object) -> RunConfig:
    init, activation = case.split()
    return run_config({
        "data": {"name": "synthetic", "shape": [100], "separation": 0.0, "normalize": False},
        "model": {"name": "mlp", "depth": 10, "width": 100, "activation": activation, **model},
        "init": INITS[init], "optimizer": {"name": "sgd"},
    })  # fmt: skip


@pytest.fixture(scope="module")
def experiments() -> dict[str, list]:
    return {case: [lecture_experiment(case, seed) for seed in range(20)] for case in LECTURE_CASES}


@pytest.mark.parametrize("case", THEORY)
def test_theory_to_the_printed_digits(case: str) -> None:
    predicted = theory(config(case))
    assert predicted is not None
    rounding = digits(THEORY[case])
    for value, expected, relative in zip(
        predicted.activation_std, numbers(THEORY[case]), rounding, strict=True
    ):
        assert value == pytest.approx(expected, rel=1.02 * relative)


@pytest.mark.parametrize("case", MEASURED)
def test_measured_forward(case: str, experiments: dict) -> None:
    """The same seeds and draws as the reference's, so the same numbers up to printing.

    Some slack is added to the rounding: the reference averaged and cut in another order.
    """
    stds = np.array([e.activation_std for e in experiments[case]])[:, 1:]
    text, limits = MEASURED[case]
    for value, expected, relative in zip(
        stds.mean(axis=0), numbers(text), digits(text), strict=True
    ):
        assert value == pytest.approx(expected, rel=1.6 * relative)
    if limits:
        assert stds[:, 9].min() == pytest.approx(limits[0], rel=0.01)
        assert stds[:, 9].max() == pytest.approx(limits[1], rel=0.01)


@pytest.mark.parametrize("case", GRADIENTS)
def test_measured_backward(case: str, experiments: dict) -> None:
    stds = np.array([e.gradient_std for e in experiments[case]]).mean(axis=0)
    for value, expected, relative in zip(
        stds, numbers(GRADIENTS[case]), digits(GRADIENTS[case]), strict=True
    ):
        assert value == pytest.approx(expected, rel=1.02 * relative)


@pytest.mark.parametrize("case", WEIGHT_GRADIENTS)
def test_measured_weight_gradients(case: str, experiments: dict) -> None:
    norms = np.array([e.weight_gradient for e in experiments[case]]).mean(axis=0)
    text = WEIGHT_GRADIENTS[case]
    for value, expected, relative in zip(norms, numbers(text), digits(text), strict=True):
        assert value == pytest.approx(expected, rel=1.02 * relative)


@pytest.mark.parametrize(
    ("case", "at_input"),
    [("small relu", 3.12e-12), ("small tanh", 9.9e-11), ("large relu", 3.13e8),
     ("large tanh", 5.12e3), ("xavier tanh", 0.267), ("xavier relu", 0.0313), ("he relu", 1.0)],
)  # fmt: skip
def test_backward_theory(case: str, at_input: float) -> None:
    """Printed for dL/dh_0 over dL/dh_10; the theory starts at layer 1, so one step is added."""
    predicted = theory(config(case))
    assert predicted is not None
    std, activation = LECTURE_CASES[case]
    first = moments(activation, 100 * std**2)
    step = np.sqrt(100 * std**2 * first.slope)
    # Two or three printed digits.
    assert predicted.gradient_std[0] * step == pytest.approx(at_input, rel=0.005)


def test_relu_is_homogeneous(experiments: dict) -> None:
    """Four of the lecture's cases are one experiment rescaled: h_l(s) = s^l h_l(1)."""
    large, small = experiments["large relu"][0], experiments["small relu"][0]
    scaled = large.activation_std * 0.01 ** np.arange(11)
    np.testing.assert_allclose(small.activation_std, scaled, rtol=1e-10)  # rounding of ten products
    for case in ("xavier relu", "he relu", "small relu"):
        np.testing.assert_array_equal(experiments[case][3].dead, experiments["large relu"][3].dead)


def test_dead_units(experiments: dict) -> None:
    dead = np.mean([e.dead for e in experiments["he relu"]], axis=0)
    expected = [0, 0, 0, 0.007, 0.021, 0.046, 0.044, 0.067, 0.100, 0.100]
    np.testing.assert_allclose(dead, expected, atol=5e-4)  # printed to three decimals


def test_moments_in_closed_form() -> None:
    relu = moments("relu", 4.0)
    # A trapezoid of step 6e-5: errors of order 1e-9 at the kink.
    assert relu.mean == pytest.approx(2 / np.sqrt(2 * np.pi), rel=1e-6)
    assert relu.second == pytest.approx(2.0, rel=1e-6)
    assert relu.slope == pytest.approx(0.5, rel=1e-4)
    assert moments("linear", 3.0).std == pytest.approx(np.sqrt(3), rel=1e-9)
    assert moments("vlrelu", 1.0).second == pytest.approx((1 + 1 / 9) / 2, rel=1e-6)
    assert moments("maxout", 1.0).second == pytest.approx(1.0, rel=1e-6)
    assert moments("maxout", 1.0).mean == pytest.approx(1 / np.sqrt(np.pi), rel=1e-6)


@pytest.mark.parametrize(
    "change",
    [{"model": {"name": "mlp", "norm": "batch"}}, {"model": {"name": "cnn"}},
     {"init": {"name": "constant"}}, {"data": {"name": "digits", "normalize": False}},
     {"model": {"name": "mlp", "dropout": 0.5}}],
    ids=str,
)  # fmt: skip
def test_no_theory_is_none(change: dict) -> None:
    base = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
    assert theory(run_config({**base, **change})) is None
    assert theory(run_config(base)) is not None
