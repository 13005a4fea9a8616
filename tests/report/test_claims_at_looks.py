"""Claims at looks: which look decides, who goes on, and what a page says of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_claims import PAIR, claim, frames, study

from ablate.report.frame import Frames
from ablate.report.looks import Looked, at_looks
from ablate.report.printed_claims import claims_csv, outcome_text, print_claims
from ablate.report.run_arrays import asked_of, runs_asked
from ablate.report.tables import make_tables
from ablate.report.verdicts import Verdict, judge
from ablate.stats.looks import levels, sequential_p
from ablate.study.claims import Claim
from ablate.study.schema import Study

LOOKS = (6, 10, 15, 20)
AT = {"scale": ("1",)}
GREATER = claim(compare=PAIR, at=AT, expect="greater")


def looked(*claims: Claim, **changes: object) -> Study:
    made = study(*claims, replicates=20)
    return made.model_copy(update={"looks": LOOKS, **changes})


def paired(difference: np.ndarray, other: int = 6) -> Frames:
    """Return frames in which `with` lies so much (points) above `without` at scale 1."""
    rng = np.random.default_rng(1)
    base = rng.normal(0.9, 0.01, len(difference))
    rest = {("with", "10"): rng.normal(0.5, 0.01, other), ("without", "10"): np.full(other, 0.4)}
    return frames({("with", "1"): base + difference / 100, ("without", "1"): base} | rest)


def of(mean: float, sd: float, n: int) -> np.ndarray:
    """Return n differences with exactly that mean and deviation, in the same order each time."""
    values = np.resize([1.0, -1.0, 0.5, -0.5, 0.0], n)
    return mean + sd * (values - values.mean()) / values.std(ddof=1)


def verdict_of(asked: Study, made: Frames) -> Verdict:
    (verdict,) = judge(asked, made, {})
    return verdict


def test_the_look_that_decides_is_told_and_what_follows_changes_nothing() -> None:
    difference = np.concatenate([of(3.0, 1.0, 6), of(-40.0, 5.0, 4)])
    first = verdict_of(looked(GREATER), paired(difference[:6]))
    later = verdict_of(looked(GREATER), paired(difference))
    for verdict in (first, later):
        assert verdict.outcome == "supported"
        assert verdict.look is not None
        assert (verdict.look.number, verdict.look.replicates, verdict.look.next) == (1, 6, None)
        assert verdict.evidence.effect == pytest.approx(3.0)
        assert verdict.level == pytest.approx(0.05 * 0.09)
        low, high = stats.ttest_1samp(difference[:6], 0).confidence_interval(1 - 0.05 * 0.09)
        assert (verdict.low, verdict.high) == pytest.approx((low, high))


def test_an_open_claim_goes_on_to_the_next_look() -> None:
    verdict = verdict_of(looked(GREATER), paired(of(1.2, 1.5, 6)))
    assert verdict.look is not None
    assert (verdict.look.next, verdict.look.hopeless) == (10, False)
    assert outcome_text(verdict) == "inconclusive; open after 6 of at most 20 replicates"
    decided = verdict_of(looked(GREATER), paired(of(1.8, 1.5, 10)))
    assert decided.look is not None
    assert (decided.outcome, decided.look.number) == ("supported", 2)
    assert decided.level == pytest.approx(levels(LOOKS, 0.05)[1])
    assert decided.evidence.p <= decided.level
    grid = print_claims([decided], 1)
    assert "look 2 of 4" in grid.rows[0][1][-1].text
    assert "Judged at 6, 10, 15 and 20 replicates, as declared" in " ".join(grid.caption)
    header, line = (one.split(",") for one in claims_csv([decided]).splitlines())
    told = dict(zip(header, line, strict=True))
    assert (told["look"], told["look_replicates"]) == ("2", "10")


def test_without_hope_a_claim_is_given_up_and_says_so() -> None:
    verdict = verdict_of(looked(GREATER), paired(of(0.05, 1.5, 15)))
    assert verdict.look is not None
    assert (verdict.outcome, verdict.look.hopeless, verdict.look.next) == (
        "inconclusive",
        True,
        None,
    )
    assert outcome_text(verdict) == "inconclusive; 20 replicates would hardly tell"


def test_a_small_effect_ends_a_claim_and_is_no_success() -> None:
    small = verdict_of(looked(GREATER, smallest_effect=2.0), paired(of(0.1, 1.0, 10)))
    assert small.outcome == "less than the smallest effect"
    assert small.low is not None
    assert small.high is not None
    assert -2 < small.low < small.high < 2
    # Shown and small: shown.
    shown = verdict_of(looked(GREATER, smallest_effect=9.0), paired(of(3.0, 1.0, 6)))
    assert shown.outcome == "supported"
    # In a study of a fixed number nothing ends for it.
    fixed = study(GREATER, replicates=10).model_copy(update={"smallest_effect": 2.0})
    assert verdict_of(fixed, paired(of(0.1, 1.0, 10))).outcome == "inconclusive"


def test_at_the_last_look_an_open_claim_says_how_many_would_tell() -> None:
    verdict = verdict_of(looked(GREATER, smallest_effect=None), paired(of(0.5, 1.5, 20)))
    assert verdict.look is not None
    assert (verdict.look.number, verdict.look.next) == (4, None)
    assert "replicates would tell" in outcome_text(verdict)


def test_holm_is_taken_over_sequential_p_values() -> None:
    weak = claim("weak", compare=PAIR, at={"scale": ("10",)}, expect="greater")
    made = paired(of(3.0, 1.0, 6))
    both = judge(looked(GREATER, weak), made, {})
    cases = [at_looks(v.claim, looked(GREATER, weak), made.runs, lambda own, v=v: v) for v in both]
    p = sorted(float(sequential_p([v.evidence.p], LOOKS)[-1]) for v in both)
    assert sorted(case.p for case in cases) == pytest.approx(p)
    # Both are beyond doubt: the second is judged at the whole level.
    assert sorted(v.level for v in both) == pytest.approx([0.025 * 0.09, 0.05 * 0.09])


def test_a_claim_is_judged_where_all_its_arms_have_arrived() -> None:
    wide = claim(compare=PAIR, expect="greater")  # averages over scales, of which one has six
    verdict = verdict_of(looked(wide), paired(of(1.0, 30.0, 10), other=6))
    assert verdict.look is not None
    assert (verdict.look.replicates, verdict.runs) == (6, (12, 12))


def test_where_runs_are_lost_the_union_bound_is_taken_from_then_on() -> None:
    difference = of(1.2, 2.0, 10)
    difference[8] = np.nan
    made = paired(difference)
    found = at_looks(
        GREATER,
        looked(GREATER),
        made.runs,
        lambda own: judge(own.model_copy(update={"claims": (GREATER,)}), made, {})[0],
    )
    assert isinstance(found, Looked)
    assert found.lawful == 1
    assert found.levels(0.05) == pytest.approx(levels(LOOKS, 0.05, lawful=0))


def test_a_failed_run_leaves_its_claim_incomplete_and_not_open() -> None:
    made = paired(of(0.8, 1.5, 10))
    made.runs.loc[(made.runs["cell"] == "with-1") & (made.runs["replicate"] == 8), "status"] = (
        "failed"
    )
    verdict = verdict_of(looked(GREATER), made)
    assert verdict.outcome == "incomplete"
    assert verdict.look is not None
    assert verdict.look.next is None


def test_cells_are_asked_for_the_look_that_they_reach() -> None:
    asked = looked(GREATER)
    counts = [(0, 6), (5, 6), (6, 6), (7, 10), (20, 20)]
    for there, number in counts:
        assert asked_of(asked, pd.DataFrame({"replicate": range(there)})) == number
    assert asked_of(study(GREATER), pd.DataFrame({"replicate": range(5)})) == 8
    made = paired(of(1.0, 1.0, 10))
    assert runs_asked(asked, made.runs, 5) == 10 + 10 + 6 + 6 + 6


def test_a_table_of_unequal_numbers_misses_nothing() -> None:
    made = paired(of(1.0, 1.0, 10))
    for column in ("parameters", "multiply_adds"):
        made.runs[column] = 1
    (table,) = make_tables(looked(GREATER), made.runs, "norm", "scale")
    assert {(cell.summary.n, cell.summary.missing) for cell in table.cells} == {(10, 0), (6, 0)}
    pairs = {column: pair.test.pairs for column, (pair,) in table.pairs.items()}
    assert pairs == {"1": 10, "10": 6}
