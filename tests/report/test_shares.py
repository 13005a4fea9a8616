"""Variance shares: made runs with known variances, and how often the intervals hold."""

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import factor, make_study

from ablate.report.frame import Frames
from ablate.report.shares import print_shares, shares, shares_answer, shares_csv
from ablate.stats import deviation, noise
from ablate.study.items import ITEMS

ITEM = ITEMS["variance_shares"](lines="source", whole="all")
SOURCES = ("all", "init", "order", "none")


def study(replicates: int):
    return make_study(
        factor("source", SOURCES), factor("seed", ["1", "2"]), replicates=replicates,
        report=[ITEM],
    )  # fmt: skip


def frames(replicates: int, seed: int = 0, lost: int = 0) -> Frames:
    """Return runs of two additive sources with variances 4 and 1 (points squared), shared draws."""
    rng = np.random.default_rng(seed)
    rows = []
    for background in ("1", "2"):
        init, order = 0.02 * rng.standard_normal(replicates), 0.01 * rng.standard_normal(replicates)
        parts = {"all": init + order, "init": init, "order": order, "none": 0 * init}
        for source, values in parts.items():
            for r, value in enumerate(values):
                is_lost = source == "init" and background == "1" and r < lost
                rows.append(
                    {
                        "cell": f"{source}-{background}", "replicate": r,
                        "factor:source": source, "factor:seed": background,
                        "status": "diverged" if is_lost else "done",
                        "test/accuracy": np.nan if is_lost else 0.9 + value,
                    }
                )  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(rows), empty, empty, empty, empty, empty, empty)


def test_shares_are_ratios_of_variances_averaged_over_settings() -> None:
    found = shares(ITEM, study(20), frames(20))
    runs = frames(20).runs.set_index(["factor:source", "factor:seed"])["test/accuracy"]
    variances = {
        s: np.mean([np.var(100 * runs.loc[s, b], ddof=1) for b in ("1", "2")]) for s in SOURCES
    }
    for row in found.rows:
        assert row.deviation[0] == pytest.approx(np.sqrt(variances[row.level]), abs=1e-12)
        if row.share:
            assert row.share[0] == pytest.approx(variances[row.level] / variances["all"], abs=1e-12)
    assert found.rows[0].share is None
    assert found.rows[-1].deviation == (0.0, 0.0, 0.0)
    expected = sum(variances[s] for s in ("init", "order")) / variances["all"]
    assert found.total[0] == pytest.approx(expected)


@pytest.mark.long
def test_intervals_hold_as_often_as_they_say() -> None:
    """Of 300 studies 95 % +- 3 standard errors (1.3 %): jackknife t's at R = 20 are close to it."""
    truth = {"init": (2.0, 0.8), "order": (1.0, 0.2)}
    held = {(name, what): 0 for name in truth for what in ("deviation", "share")}
    for seed in range(300):
        for row in shares(ITEM, study(20), frames(20, seed)).rows:
            if row.level in truth:
                for what, value in zip(("deviation", "share"), truth[row.level], strict=True):
                    _, low, high = getattr(row, what)
                    held[row.level, what] += low <= value <= high
    for count in held.values():
        assert 0.91 <= count / 300 <= 0.985


def test_runs_that_did_not_converge_are_left_out() -> None:
    found = shares(ITEM, study(8), frames(8, lost=3))
    kept = frames(8).runs
    kept = kept[kept["factor:source"] == "init"].set_index("factor:seed")["test/accuracy"]
    variance = np.mean([np.var(kept.loc["1"][3:], ddof=1), np.var(kept.loc["2"], ddof=1)])
    init = next(row for row in found.rows if row.level == "init")
    assert init.deviation[0] == pytest.approx(100 * np.sqrt(variance))


def test_too_few_runs_give_dashes() -> None:
    alone = make_study(factor("source", SOURCES), replicates=2)
    found = shares(ITEM, alone, _one_seed(frames(2, lost=2)))
    texts = dict(print_shares(found).rows)
    assert texts["init"][0].text == texts["init"][1].text == "–"
    assert texts["order"][0].text != "–"
    once = shares(ITEM, study(1), frames(1))
    assert shares_answer(once) == "Too few runs converged to tell how much replicates differ."


def _one_seed(all_frames: Frames) -> Frames:
    runs = all_frames.runs
    return Frames(*([runs[runs["factor:seed"] == "1"].drop(columns="factor:seed")]
                    + [all_frames.epochs] * 6))  # fmt: skip


def test_two_replicates_give_numbers_without_intervals() -> None:
    found = shares(ITEM, study(2), frames(2))
    assert found.rows[0].deviation[1:] == (None, None)
    text = " ".join(str(entry) for _, entries in print_shares(found).rows for entry in entries)
    assert "to" not in text


def test_printed_answer_and_csv_say_the_same() -> None:
    found = shares(ITEM, study(20), frames(20))
    grid = print_shares(found)
    init = next(row for row in found.rows if row.level == "init")
    assert f"{100 * init.share[0]:.0f} (" in str(dict(grid.rows)["init"][1])
    assert (
        f"init alone makes the most of that variance, {100 * init.share[0]:.0f} % ("
        in shares_answer(found)
    )
    assert "none" not in shares_answer(found)
    line = next(line for line in shares_csv(found).splitlines() if line.startswith("init"))
    assert float(line.split(",")[1]) == pytest.approx(init.deviation[0])
    assert dict(grid.rows)["none"][0].text == "0"


def test_noise_of_two_arms_is_compared_by_the_jackknife() -> None:
    rng = np.random.default_rng(3)
    a, b = 3 * rng.standard_normal((2, 12)), rng.standard_normal((2, 12))
    found = noise(a, b, "greater", 0.0)
    assert found.p_supported < 0.05
    assert found.p_refuted == 1.0
    whole = deviation(a) - deviation(b)
    without = [
        deviation(np.delete(a, i, axis=1)) - deviation(np.delete(b, i, axis=1)) for i in range(12)
    ]
    assert found.effect == pytest.approx(12 * whole - 11 * np.mean(without))
    assert noise(b, a, "less", 0.0).p_supported == pytest.approx(found.p_supported)
    # With nothing converged in one arm, all 12 replicates say that it is the noisier.
    lost = noise(np.full_like(a, np.nan), b, "greater", 0.0)
    assert (lost.test, lost.p_supported) == ("sign", pytest.approx(2 * 0.5**12))
    assert lost.effect is None


def test_noise_with_runs_lost_is_that_of_those_that_converged_and_who_lost_more() -> None:
    rng = np.random.default_rng(3)
    a, b = 3 * rng.standard_normal((2, 12)), rng.standard_normal((2, 12))
    a[0, :2] = np.nan
    found = noise(a, b, "greater", 0.0)
    assert found.test == "two parts"
    assert found.parts is not None
    assert found.parts.fewer == (2, 0)

    # Tukey's pseudo-values of what converged, by hand: setting 0 has ten runs, setting 1 twelve.
    def sd(values):
        return np.sqrt(np.mean([np.var(row[np.isfinite(row)], ddof=1) for row in values]))

    without = [sd(np.delete(a, i, 1)) - sd(np.delete(b, i, 1)) for i in range(12)]
    assert found.effect == pytest.approx(12 * (sd(a) - sd(b)) - 11 * np.mean(without))
    assert found.p_supported < noise(a, b, "less", 0.0).p_supported


def test_equal_noise_is_seldom_called_different() -> None:
    """At 5 % in 400 pairs of arms, half correlated; three standard errors are 3.3 points."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(400):
        shared = rng.standard_normal((3, 10))
        a, b = (shared + rng.standard_normal((3, 10)) for _ in range(2))
        found = noise(a, b, "greater", 0.0)
        wrong += found.p <= 0.05
    assert wrong / 400 < 0.083
