"""How a shared choice enters claims, and what pages say that intervals cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import factor, make_study
from scipy import stats as scipy_stats

from ablate.config.validate import run_config
from ablate.report.frame import Frames
from ablate.report.tuning_noise import coverage_text
from ablate.report.verdicts import judge
from ablate.report.warnings_of_design import tuned_on_few
from ablate.study.claims import Effect
from ablate.study.schema import Study, Tune

VALUES = (0.01, 0.1)
#: Validation losses of three tuning runs: 0.1 is better unless the third counts twice, in 7 of 27.
LOSSES = {0.01: (1.0, 1.0, 0.5), 0.1: (0.5, 0.5, 1.3)}
TEST = {0.01: 0.90, 0.1: 0.96}
CONFIG = run_config(
    {
        "data": {"name": "digits"}, "model": {"name": "mlp"},
        "optimizer": {"name": "sgd", "lr": 0.1},
    }
)  # fmt: skip


def tuned(replicates: int = 3, nested: bool = False) -> Study:
    claim = Effect(name="c", text="A is better.", expect="greater", compare=("norm", "a", "b"))
    tune = Tune(key="optimizer.lr", values=VALUES, replicates=replicates, nested=nested)
    return make_study(factor("norm", ["a", "b"]), replicates=8, tune=tune, claims=(claim,))


def scored() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {cell: 0.01 * rng.standard_normal(8) + mean for cell, mean in (("a", 0.95), ("b", 0.9))}


def frames(lost: float | None = None, replicates: int = 3) -> Frames:
    """Return runs of two cells, tuned alike; a third tuning run at `lost` is n/c."""
    runs = [
        {"cell": cell, "replicate": r, "factor:norm": cell, "status": "done",
         "test/accuracy": value, "tuned:optimizer.lr": 0.1}
        for cell, values in scored().items()
        for r, value in enumerate(values)
    ]  # fmt: skip
    tuning = [
        {"cell": cell, "key": "optimizer.lr", "value": value, "replicate": r,
         "status": "diverged" if value == lost and r == 2 else "done",
         "validation/loss": np.nan if value == lost and r == 2 else loss,
         "test/accuracy": TEST[value]}
        for cell in ("a", "b")
        for value in VALUES
        for r, loss in enumerate(LOSSES[value][:replicates])
    ]  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(runs), empty, empty, empty, pd.DataFrame(tuning), empty, empty)


def interval(study: Study, found: Frames) -> tuple[float | None, float | None]:
    (verdict,) = judge(study, found, {"a": CONFIG, "b": CONFIG})
    return verdict.evidence.limits(0.05)


def test_the_bootstrap_of_both_choices_enters_the_interval() -> None:
    """By hand: Welch and Satterthwaite's sum of the pairs' variance and those of two choices."""
    difference = 100 * (scored()["a"] - scored()["b"])
    own, p = difference.var(ddof=1) / 8, 7 / 27
    extra = 2 * p * (1 - p) * (100 * (TEST[0.1] - TEST[0.01])) ** 2 * 3 / 2
    freedom = (own + extra) ** 2 / (own**2 / 7 + extra**2 / 2)
    half = scipy_stats.t.ppf(0.975, freedom) * np.sqrt(own + extra)
    mean = difference.mean()
    assert interval(tuned(), frames()) == pytest.approx((mean - half, mean + half))


def test_a_tuning_run_that_did_not_converge_scores_as_guessing() -> None:
    """The third at 0.1 is n/c: a loss of log 10 = 2.30 in place of 1.3.

    So 0.1 loses wherever the third replicate is in the resample, 19 of 27, not 7.
    """
    difference = 100 * (scored()["a"] - scored()["b"])
    own, p = difference.var(ddof=1) / 8, 19 / 27
    extra = 2 * p * (1 - p) * (100 * (TEST[0.1] - TEST[0.01])) ** 2 * 3 / 2
    freedom = (own + extra) ** 2 / (own**2 / 7 + extra**2 / 2)
    half = scipy_stats.t.ppf(0.975, freedom) * np.sqrt(own + extra)
    low, high = interval(tuned(), frames(lost=0.1))
    assert low is not None
    assert high is not None
    assert (high - low) / 2 == pytest.approx(half)


@pytest.mark.parametrize(
    ("study", "found"),
    [
        (tuned(nested=True), frames()),  # each replicate has its own choice
        (tuned(replicates=2), frames(replicates=2)),  # nobody can know
        (tuned(replicates=5), frames()),  # tuning runs are missing
    ],
)
def test_where_nothing_is_known_or_all_is_covered_the_interval_is_that_of_the_pairs(
    study: Study, found: Frames
) -> None:
    difference = 100 * (scored()["a"] - scored()["b"])
    half = scipy_stats.t.ppf(0.975, 7) * difference.std(ddof=1) / np.sqrt(8)
    mean = difference.mean()
    assert interval(study, found) == pytest.approx((mean - half, mean + half))


def test_a_cell_in_which_nothing_is_tuned_adds_nothing() -> None:
    """The variance of the other arm stays; half as much as where both are tuned."""
    study, found = tuned(), frames()
    tune = study.tune
    assert tune is not None
    only = study.model_copy(update={"tune": tune.model_copy(update={"only": {"norm": ("a",)}})})
    own = found.tuning[found.tuning["cell"] == "a"]
    low, high = interval(only, replace(found, tuning=own))
    difference = 100 * (scored()["a"] - scored()["b"])
    p = 7 / 27
    extra = p * (1 - p) * (100 * (TEST[0.1] - TEST[0.01])) ** 2 * 3 / 2
    variance = difference.var(ddof=1) / 8
    freedom = (variance + extra) ** 2 / (variance**2 / 7 + extra**2 / 2)
    half = scipy_stats.t.ppf(0.975, freedom) * np.sqrt(variance + extra)
    assert low is not None
    assert high is not None
    assert (high - low) / 2 == pytest.approx(half)


@pytest.mark.parametrize(("replicates", "nested", "warns"), [
    (1, False, True), (2, False, True), (3, False, False), (1, True, False),
])  # fmt: skip
def test_a_choice_of_one_or_two_runs_is_warned_of(
    replicates: int, nested: bool, warns: bool
) -> None:
    found = list(tuned_on_few(tuned(replicates, nested)))
    assert [one.kind for one in found] == (["tuned on few"] if warns else [])


def test_the_page_says_what_intervals_cover() -> None:
    plain = tuned().model_copy(update={"tune": None})
    assert coverage_text(plain).endswith("between replicates, not the choice of test examples.")
    assert "and so the choice of optimizer.lr" in coverage_text(tuned(nested=True))
    assert "a bootstrap of the 3 tuning replicates" in coverage_text(tuned())
    assert "neither the choice of optimizer.lr nor" in coverage_text(tuned(2))
