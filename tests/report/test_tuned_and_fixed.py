"""Effects at the tuned and at fixed values, and claims that speak of one value."""

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import factor, make_study
from scipy import stats

from ablate.config.validate import run_config
from ablate.report.frame import Frames
from ablate.report.tuned_and_fixed import at_values, at_values_csv, print_at_values
from ablate.report.verdicts import judge
from ablate.study.claims import Claim, Effect, Rate
from ablate.study.schema import Tune

TUNE = Tune(key="optimizer.lr", values=(0.01, 0.1), replicates=7)
BOTH = Effect(name="both", text="With is better.", expect="greater",
              compare=("norm", "with", "without"))  # fmt: skip
HIGH = BOTH.model_copy(update={"name": "high", "at": {"optimizer.lr": ("0.1",)}})
RATE = Rate(name="rate", text="It converges at 0.1.", expect="converges", rate=0.5,
            at={"norm": ("without",), "optimizer.lr": ("0.1",)})  # fmt: skip


def study(*claims: Claim, replicates: int = 6):
    return make_study(
        factor("norm", ["with", "without"]), replicates=replicates, tune=TUNE, claims=claims
    )


def frames() -> Frames:
    """At 0.01 `with` is 2 points better, at 0.1 it is 5 points worse and `without` loses a run."""
    rng = np.random.default_rng(0)
    runs, tuning = [], []
    for norm in ("with", "without"):
        for r, noise in enumerate(0.004 * rng.standard_normal(6)):
            accuracy = (0.92 if norm == "with" else 0.91) + noise
            runs.append({"cell": norm, "replicate": r, "factor:norm": norm, "status": "done",
                         "test/accuracy": accuracy})  # fmt: skip
        for value, means in ((0.01, (0.90, 0.88)), (0.1, (0.80, 0.85))):
            mean = means[0] if norm == "with" else means[1]
            for r, noise in enumerate(0.004 * rng.standard_normal(7)):
                lost = value == 0.1 and norm == "without" and r == 3
                tuning.append(
                    {"cell": norm, "key": TUNE.key, "value": value, "replicate": r,
                     "status": "diverged" if lost else "done",
                     "test/accuracy": np.nan if lost else mean + noise}
                )  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(runs), empty, empty, empty, pd.DataFrame(tuning), empty, empty)


def arm(norm: str, value: float) -> np.ndarray:
    rows = frames().tuning
    return rows[(rows["cell"] == norm) & (rows["value"] == value)]["test/accuracy"].to_numpy()


def test_a_comparison_is_shown_at_every_value_on_the_runs_that_tuned_it() -> None:
    (row,) = at_values(study(BOTH, HIGH, RATE), frames(), {})
    assert row.claim.name == "both"  # the others speak of one value, or compare nothing
    at = row.cases
    expected = 100 * (arm("with", 0.01) - arm("without", 0.01)).mean()
    assert at["0.01"].evidence.effect == pytest.approx(expected)
    assert at["0.01"].evidence.n == 7
    lost = 100 * (arm("with", 0.1) - arm("without", 0.1))
    assert at["0.1"].evidence.effect == pytest.approx(np.nanmean(lost))
    assert at["tuned"].evidence.n == 6
    grid = print_at_values([row], study(BOTH))
    assert grid.columns == ("tuned", "lr 0.01", "lr 0.1")
    assert str(grid.rows[0][1][2]).endswith("(n/c 0/7, 1/7)")
    lines = at_values_csv([row]).splitlines()
    assert [line.split(",")[1] for line in lines] == ["at", "tuned", "0.01", "0.1"]


def test_a_claim_at_one_value_is_judged_on_those_runs() -> None:
    (low,) = judge(study(HIGH.model_copy(update={"at": {"optimizer.lr": ("0.01",)}})), frames(), {})
    assert low.outcome == "supported"
    assert low.evidence.p_supported == pytest.approx(
        stats.ttest_rel(arm("with", 0.01), arm("without", 0.01)).pvalue
    )
    (rate,) = judge(study(RATE), frames(), {})
    assert rate.evidence.effect == pytest.approx(6 / 7)


def test_the_values_of_the_key_may_be_compared_themselves() -> None:
    slope = Effect(name="s", text="0.01 is better.", expect="greater",
                   compare=("optimizer.lr", "0.01", "0.1"), at={"norm": ("with",)})  # fmt: skip
    (verdict,) = judge(study(slope), frames(), {})
    assert verdict.outcome == "supported"
    assert verdict.evidence.effect == pytest.approx(
        100 * (arm("with", 0.01) - arm("with", 0.1)).mean()
    )


def test_few_tuning_replicates_give_no_verdict() -> None:
    few = study(HIGH).model_copy(update={"tune": TUNE.model_copy(update={"replicates": 3})})
    (verdict,) = judge(few, frames(), {})
    assert verdict.outcome == "withheld"


def test_a_study_that_tunes_nothing_has_no_such_table() -> None:
    assert at_values(study(BOTH).model_copy(update={"tune": None}), frames(), {}) == []


def test_what_tunes_an_ensemble_is_no_ensemble_and_stays_out() -> None:
    single, several = (
        run_config(
            {
                "data": {"name": "digits"}, "model": {"name": "mlp"},
                "optimizer": {"name": "sgd", "lr": 0.1}, "ensemble": ensemble,
            }
        )
        for ensemble in ({"name": "none"}, {"name": "seeds", "size": 2})
    )  # fmt: skip
    alike = {"with": single, "without": single}
    assert at_values(study(BOTH), frames(), alike)
    assert not at_values(study(BOTH), frames(), alike | {"with": several})
