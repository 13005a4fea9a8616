"""Signal propagation: the printed theory of the lecture's seven cases."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate

from ablate.config import RunConfig
from ablate.config.validate import run_config
from ablate.lessons import signal
from ablate.lessons.signal import moments, theory
from ablate.nn.scales import SELU_ALPHA, SELU_SCALE

INITS = {
    "small": {"name": "normal"}, "large": {"name": "normal", "std": 1.0},
    "xavier": {"name": "xavier"}, "he": {"name": "he"},
}  # fmt: skip
STD = {"small": 0.01, "large": 1.0, "xavier": 100**-0.5, "he": 50**-0.5}
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


@pytest.mark.parametrize("case", THEORY)
def test_theory_to_the_printed_digits(case: str) -> None:
    predicted = theory(config(case))
    assert predicted is not None
    rounding = digits(THEORY[case])
    for value, expected, relative in zip(
        predicted.activation_std, numbers(THEORY[case]), rounding, strict=True
    ):
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
    init, activation = case.split()
    second = 100 * STD[init] ** 2
    step = np.sqrt(second * moments(activation, second).slope)
    # Two or three printed digits.
    assert predicted.gradient_std[0] * step == pytest.approx(at_input, rel=0.005)


def test_moments_in_closed_form() -> None:
    relu = moments("relu", 4.0)
    assert relu.mean == pytest.approx(2 / np.sqrt(2 * np.pi), rel=1e-15)
    assert (relu.second, relu.slope) == (2.0, 0.5)
    assert moments("linear", 3.0).std == pytest.approx(np.sqrt(3), rel=1e-15)
    assert moments("vlrelu", 1.0).second == pytest.approx((1 + 1 / 9) / 2, rel=1e-15)
    # Integrals have ten digits: half a unit of the last is at most 5e-10 of the number.
    assert moments("maxout", 1.0).second == pytest.approx(1.0, rel=5e-10)
    assert moments("maxout", 1.0).mean == pytest.approx(1 / np.sqrt(np.pi), rel=5e-10)
    assert moments("gelu", 0.7).mean == pytest.approx(0.7 / np.sqrt(2 * np.pi * 1.7), rel=5e-10)
    assert moments("sigmoid", 5.0).mean == pytest.approx(0.5, rel=5e-10)


def logistic(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def normal(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def phi(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


Real = Callable[[float], float]
#: Each with its derivative, in Python's own functions.
FORMULAS: dict[str, tuple[Real, Real]] = {
    "linear": (lambda z: z, lambda z: 1.0),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "vlrelu": (lambda z: max(z, z / 3), lambda z: 1.0 if z > 0 else 1 / 3),
    "leaky_relu": (lambda z: max(z, 0.01 * z), lambda z: 1.0 if z > 0 else 0.01),
    "prelu": (lambda z: max(z, 0.25 * z), lambda z: 1.0 if z > 0 else 0.25),
    "sigmoid": (logistic, lambda z: logistic(z) * logistic(-z)),
    "tanh": (math.tanh, lambda z: 4 * logistic(2 * z) * logistic(-2 * z)),
    "elu": (
        lambda z: z if z > 0 else math.expm1(z),
        lambda z: 1.0 if z > 0 else math.exp(z),
    ),
    "selu": (
        lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * math.expm1(z)),
        lambda z: SELU_SCALE * (1.0 if z > 0 else SELU_ALPHA * math.exp(z)),
    ),
    "gelu": (lambda z: z * phi(z), lambda z: phi(z) + z * normal(z)),
}


@pytest.mark.parametrize("q", [1e-24, 0.01, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("activation", FORMULAS)
def test_moments_against_adaptive_quadrature(activation: str, q: float) -> None:
    function, slope = FORMULAS[activation]
    root = math.sqrt(q)
    # Where saturation begins and ends, so that quad sees the sliver.
    at = (0.5, 1, 2, 4, 8, 16, 40, 100)
    inner = {s * c / root for s in (-1, 1) for c in at if c < 11 * root}
    borders = sorted({*inner, -12.0, -6.0, -3.0, 0.0, 3.0, 6.0, 12.0})

    def expected(f: Real) -> float:
        parts = [
            integrate.quad(lambda z: f(root * z) * normal(z), a, b, epsabs=1e-300, epsrel=1e-11)[0]
            for a, b in itertools.pairwise(borders)
        ]
        return math.fsum(parts)

    found = moments(activation, q)
    second = expected(lambda z: function(z) ** 2)
    # Half a unit of the tenth digit is at most 5e-10 of the number; quad errs by 1e-11.
    assert found.second == pytest.approx(second, rel=6e-10)
    assert found.mean == pytest.approx(expected(function), rel=6e-10, abs=1e-9 * math.sqrt(second))
    assert found.slope == pytest.approx(expected(lambda z: slope(z) ** 2), rel=6e-10)


def test_theory_does_not_depend_on_the_last_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another processor rounds exp, tanh and the nodes otherwise: by a unit of the last place."""
    cases = [(name, q) for name in ("tanh", "sigmoid", "elu", "selu", "gelu", "maxout")
             for q in (1e-8, 0.3, 1.0, 40.0)]  # fmt: skip
    before = [moments(*case) for case in cases]
    rng = np.random.default_rng(0)
    for name in ("_Z", "_DENSITY"):
        values = getattr(signal, name)
        toward = np.where(rng.random(values.shape) < 0.5, np.inf, -np.inf)
        monkeypatch.setattr(signal, name, np.nextafter(values, toward))
    after = [moments(*case) for case in cases]
    assert [(m.second, m.slope) for m in after] == [(m.second, m.slope) for m in before]


@pytest.mark.parametrize(
    "change",
    [{"model": {"name": "mlp", "norm": "batch"}}, {"model": {"name": "cnn"}},
     {"init": {"name": "constant"}}, {"init": {"name": "he", "bias": 0.1}}, {"data": {"name": "digits", "normalize": False}},
     {"model": {"name": "mlp", "dropout": 0.5}}],
    ids=str,
)  # fmt: skip
def test_no_theory_is_none(change: dict) -> None:
    base = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
    assert theory(run_config({**base, **change})) is None
    assert theory(run_config(base)) is not None
