"""How far optimizers go for a gradient of one: against their recurrences."""

import numpy as np
import pytest

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.step_sizes import follow_gradients
from ablate.streams import Streams


def outcome(optimizer: str, replicate: int = 0, **arguments):
    config = run_config({"data": {"name": "digits"}, "model": {"name": "mlp"},
                         "optimizer": {"name": optimizer, "lr": 0.01}})  # fmt: skip
    return follow_gradients(config, None, Streams(0, replicate), **arguments)


def expected(optimizer: str) -> np.ndarray:
    """Return steps over learning rate and size, without noise, from the recurrences."""
    sizes = np.repeat([1.0, 0.1], [300, 700])
    if optimizer == "sgd":
        return np.ones(1000)
    if optimizer == "momentum":
        velocity = np.array([sum(0.9**k * sizes[t - k] for k in range(t + 1)) for t in range(1000)])
        return velocity / sizes
    if optimizer == "adagrad":
        return 1 / np.sqrt(np.cumsum(sizes**2))
    mean = [0.0]
    for size in sizes:
        mean.append(0.99 * mean[-1] + 0.01 * size**2)
    return 1 / np.sqrt(mean[1:])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop"])
def test_rates_are_those_of_the_recurrences(optimizer: str) -> None:
    found, rates = outcome(optimizer, noise=0.0), expected(optimizer)
    # Weights of up to 10^3 in float64; what is added beside a root is 10^-8 and less of it.
    assert found.metrics["rate_early"] == pytest.approx(rates[250:300].mean(), rel=1e-6)
    assert found.metrics["rate_late"] == pytest.approx(rates[950:].mean(), rel=1e-6)
    assert [row["step"] for row in found.evaluations] == list(range(50, 1001, 50))
    assert found.evaluations[5]["rate"] == found.metrics["rate_early"]
    assert found.metrics["grows"] == pytest.approx(rates[950:].mean() / rates[250:300].mean())


def test_adam_forgets_a_tenth_as_fast() -> None:
    """V = 0.999 v + 0.001 g^2, corrected; its mean of gradients has long settled."""
    sizes, v = np.repeat([1.0, 0.1], [300, 700]), [0.0]
    for size in sizes:
        v.append(0.999 * v[-1] + 0.001 * size**2)
    corrected = np.array(v[1:]) / (1 - 0.999 ** np.arange(1, 1001))
    rates = 1 / np.sqrt(corrected)
    # The mean of gradients is 0.9^50 of what is left of larger ones from its size.
    assert outcome("adam", noise=0.0).metrics["rate_late"] == pytest.approx(
        rates[950:].mean(), rel=1e-6
    )


def test_replicates_draw_noise_of_their_own_whatever_the_optimizer() -> None:
    first, again, other = (outcome("sgd", r).metrics["rate_late"] for r in (1, 1, 2))
    assert first == again != other
    # Descent goes the factors themselves; momentum what is left of ten of them.
    assert outcome("momentum", 1).metrics["rate_late"] == pytest.approx(10 * first, rel=0.2)


def test_fewer_steps_than_are_averaged_are_refused() -> None:
    with pytest.raises(ConfigError, match="must be at least 50"):
        outcome("sgd", large=20)
