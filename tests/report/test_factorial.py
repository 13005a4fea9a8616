"""Main effects and interactions: by hand, against ordinary least squares, and their family."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from frames_for_tests import factor, make_study
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.report.context import Context
from ablate.report.exhibits.factor_effects import (
    contrasts_csv,
    exhibits,
    factorial,
    print_contrasts,
)
from ablate.report.frame import Frames
from ablate.study.items import ITEMS

R = 7
LEVELS_A, LEVELS_B, LEVELS_C = ("a0", "a1", "a2"), ("b0", "b1"), ("c0", "c1")


def study(replicates: int = R, **fields):
    factors = factor("a", LEVELS_A), factor("b", LEVELS_B), factor("c", LEVELS_C)
    return make_study(*factors, replicates=replicates, report=["factor_effects"], **fields)


def frames(seed: int = 0, lose: int = 0) -> Frames:
    """Return runs with a main effect of a1 and an interaction of a2 with b1, and shared noise."""
    rng = np.random.default_rng(seed)
    shared = 0.01 * rng.standard_normal(R)
    rows = []
    for a in LEVELS_A:
        for b in LEVELS_B:
            for c in LEVELS_C:
                mean = 0.8 + 0.05 * (a == "a1") + 0.03 * (a == "a2" and b == "b1")
                values = mean + shared + 0.005 * rng.standard_normal(R)
                for r in range(R):
                    lost = a == "a1" and b == "b0" and c == "c0" and r < lose
                    rows.append(
                        {
                            "cell": f"{a}{b}{c}", "replicate": r, "factor:a": a, "factor:b": b,
                            "factor:c": c, "status": "diverged" if lost else "done",
                            "test/accuracy": np.nan if lost else values[r],
                        }
                    )  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(rows), empty, empty, empty, empty, empty, empty)


def by_name(contrasts):
    return {(c.about, c.name): c for c in contrasts}


def test_every_level_and_pair_of_levels_has_a_contrast() -> None:
    found = by_name(factorial(study(), frames()))
    # 2 + 1 + 1 main effects; 2 x 1, 2 x 1 and 1 x 1 interactions.
    assert len(found) == 4 + 5
    assert ("a", "a1 − a0") in found
    assert ("a × b", "(a2 − a0) at b1 − at b0") in found


def test_estimates_are_those_of_least_squares() -> None:
    """With sum-to-zero coding the saturated model's margins are the means over the grid."""
    data = frames().runs.rename(columns={f"factor:{n}": n for n in "abc"})
    data["y"] = 100 * data["test/accuracy"]
    fit = smf.ols("y ~ C(a, Sum) * C(b, Sum) * C(c, Sum)", data).fit().params
    found = by_name(factorial(study(), frames()))
    a0, a1 = fit["C(a, Sum)[S.a0]"], fit["C(a, Sum)[S.a1]"]
    assert found["a", "a1 − a0"].case.evidence.effect == pytest.approx(a1 - a0, abs=1e-10)
    assert found["b", "b1 − b0"].case.evidence.effect == pytest.approx(
        -2 * fit["C(b, Sum)[S.b0]"], abs=1e-10
    )
    both = fit["C(a, Sum)[S.a1]:C(b, Sum)[S.b0]"] - fit["C(a, Sum)[S.a0]:C(b, Sum)[S.b0]"]
    assert found["a × b", "(a1 − a0) at b1 − at b0"].case.evidence.effect == pytest.approx(
        -2 * both, abs=1e-10
    )


def test_p_is_a_paired_t_over_replicates_and_adjusted_as_one_family() -> None:
    runs = frames().runs.pivot_table(
        index="replicate", columns=["factor:a", "factor:b", "factor:c"], values="test/accuracy"
    )
    contrasts = factorial(study(), frames())
    raw = [c.case.evidence.p for c in contrasts]
    means = runs.T.groupby(level="factor:a").mean().T
    expected = stats.ttest_rel(means["a1"], means["a0"]).pvalue
    assert raw[0] == pytest.approx(expected, rel=1e-10)
    assert [c.p for c in contrasts] == pytest.approx(multipletests(raw, method="holm")[1])
    for c in contrasts:
        if c.p <= 0.05:
            assert c.low > 0 or c.high < 0
        else:
            assert c.low < 0 < c.high


def test_what_is_there_is_found_and_nothing_else() -> None:
    found = by_name(factorial(study(), frames()))
    shown = {key for key, c in found.items() if c.p <= 0.05}
    # The interaction makes main effects of a2 and b1 as well.
    assert ("a", "a1 − a0") in shown
    assert ("a × b", "(a2 − a0) at b1 − at b0") in shown
    assert not {key for key in shown if "c" in key[0]}


def test_lost_runs_are_counted_and_are_a_part_of_the_outcome() -> None:
    found = by_name(factorial(study(), frames(lose=4)))
    main = found["a", "a1 − a0"]
    assert (sum(main.case.not_converged), main.case.evidence.test) == (4, "two parts")
    assert sum(found["c", "c1 − c0"].case.not_converged) == 4


def test_table_csv_and_figure() -> None:
    contrasts = factorial(study(), frames())
    grid = print_contrasts(contrasts, study())
    assert len(grid.rows) == len(contrasts) == len(contrasts_csv(contrasts).splitlines()) - 1
    assert grid.rows[0][1][2].text == "< 0.001"
    table, drawing = exhibits(Context(ITEMS["factor_effects"](), study(), frames()))
    assert table.printed == grid
    assert "9 contrasts" in drawing.caption
