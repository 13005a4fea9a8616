"""What penalties and early stopping leave of a quadratic loss's minimum."""

import numpy as np
import pytest

from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.lessons.shrinkage import closed_form, shrink
from ablate.streams import Streams

ARGUMENTS = {"strength": 0.5, "curvature": 1.0, "curvatures": [0.1, 1.0, 4.0]}


def outcome(method: str, replicate: int = 0, **changes):
    config = run_config(
        {
            "data": {"name": "digits"},
            "model": {"name": "mlp"},
            "optimizer": {"name": "sgd", "lr": 0.05},
        }
    )
    return shrink(config, None, Streams(0, replicate), method, **(ARGUMENTS | changes))


@pytest.mark.parametrize(
    ("method", "curvature", "kept"),
    [
        ("l2", 1.0, 1 / 1.5),
        ("l2", 0.1, 0.1 / 0.6),
        ("l1", 1.0, 0.5),
        ("l1", 4.0, 0.875),
        ("l1", 0.1, 0.0),
        ("stopped", 1.0, 1 - 0.95**40),
        ("stopped", 0.1, 1 - 0.995**40),
    ],
)
def test_what_is_kept_by_hand(method: str, curvature: float, kept: float) -> None:
    """Settled to e^-14 of the way, 1e-6; axes and signs are drawn, and move nothing."""
    for replicate in (0, 3):
        result = outcome(method, replicate, curvature=curvature)
        assert result.metrics["kept"] == pytest.approx(kept, abs=2e-6)
        assert result.metrics["formula"] == pytest.approx(kept, abs=1e-12)
        assert result.converged
    assert (result.metrics["zero"] == 1) is (kept == 0)


def test_only_early_stopping_remembers_its_start() -> None:
    for method, moves in (("l2", False), ("l1", False), ("stopped", True)):
        there = outcome(method, 2, spread=0.0).metrics["kept"]
        moved = outcome(method, 2, spread=0.1)
        assert (abs(moved.metrics["kept"] - there) > 1e-4) is moves
        assert moved.converged


def test_stopping_keeps_at_most_a_fifth_more_than_l2() -> None:
    """x/(1 + x) and 1 - e^-x, x = lambda/alpha, are furthest apart at x = 2.51, by 0.2036."""
    lam = np.geomspace(1e-4, 1e2, 4001)
    # tau = 1/(epsilon alpha) in the limit of small steps
    stopped = closed_form("stopped", 1.0, lam, np.zeros_like(lam), 1e-4)
    apart = stopped - closed_form("l2", 1.0, lam, np.zeros_like(lam), 1e-4)
    assert apart.min() > -1e-3
    assert apart.max() == pytest.approx(0.2036, abs=2e-4)
    assert lam[apart.argmax()] == pytest.approx(2.51, abs=0.02)
    assert outcome("stopped", curvatures=[0.1, 1.0, 4.0]).metrics["apart"] > 0.15


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "ridge"}, "trainer.method=ridge is not known"),
        ({"curvature": 2.0}, "is not among trainer.curvatures"),
        ({"strength": 0}, "must be greater than 0"),
        ({"curvatures": [1.0, 40.0]}, "optimizer.lr=0.05 is too large"),
    ],
)
def test_what_cannot_be_followed_is_refused(changes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        outcome(**({"method": "l2"} | changes))
