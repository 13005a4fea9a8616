"""Whether claims hold for other test examples too: each form, by hand, and what is printed."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from test_claims import PAIR, R, claim, study

from ablate.report.circumstances import Facts
from ablate.report.frame import Frames
from ablate.report.held_out import HeldOut, examples_row
from ablate.report.other_examples import OtherExamples
from ablate.report.printed_claims import claims_csv, print_claims, told
from ablate.report.verdicts import Verdict, judge
from ablate.report.warnings import warnings_of
from ablate.stats import crossed
from ablate.study.accuracy import compares_accuracy
from ablate.study.schema import Study, Tune

N = 400
LABELS = np.arange(N) % 2
TEST_SET = HeldOut(np.arange(N, dtype=np.uint8).reshape(N, 1), LABELS)
RNG = np.random.default_rng(5)
AT = {"scale": ("1",)}
Right = npt.NDArray[np.bool_]
#: By levels of norm and scale: which examples each replicate gets right, (R, N); None is n/c.
Cells = Mapping[tuple[str, str], list[Right | None]]


def frames(cells: Cells) -> Frames:
    """Return frames with accuracies and answers that belong together."""
    rows, kept = [], []
    for (norm, scale), cell in cells.items():
        for r, right in enumerate(cell):
            place = {"cell": f"{norm}-{scale}", "replicate": r}
            ended = "diverged" if right is None else "done"
            accuracy = np.nan if right is None else right.mean()
            rows.append({
                **place, "factor:norm": norm, "factor:scale": scale, "status": ended,
                "test/accuracy": accuracy, "test/loss": 1 - accuracy,
            })  # fmt: skip
            if right is not None:
                logits = np.eye(2, dtype=np.float16)[np.where(right, LABELS, 1 - LABELS)]
                kept.append({**place, **(examples_row(logits, TEST_SET) or {})})
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    columns = ["cell", "replicate", "test_set", "count", "correct"]
    examples = pd.DataFrame(kept, columns=columns)
    return Frames(pd.DataFrame(rows), *[empty] * 6, examples=examples)


def random(p: float) -> list[Right]:
    """Return runs that are each right by chance."""
    return [RNG.random(N) < p for _ in range(R)]


def all_but(wrong: int) -> list[Right]:
    """Return runs that are wrong on the first examples, and on none to two others by chance."""
    runs = np.ones((R, N), dtype=bool)
    runs[:, :wrong] = False
    for run in runs:
        run[RNG.integers(200, N, RNG.integers(0, 3))] = False
    return list(runs)


CELLS: Cells = {
    ("with", "1"): all_but(0), ("with", "10"): all_but(100), ("without", "1"): all_but(40),
    ("without", "10"): all_but(180),
}  # fmt: skip
#: Four of 400 examples make nearly all the difference.
FEW: Cells = {**CELLS, ("without", "1"): all_but(4)}


def verdict(cells: Cells, of: Study | None = None, **fields: object) -> Verdict:
    fields = {"compare": PAIR, "at": AT, "expect": "greater", **fields}
    return judge(of or study(claim(**fields)), frames(cells), {})[0]


def told_of(cells: Cells, **fields: object) -> OtherExamples:
    found = verdict(cells, **fields).other_examples
    assert found is not None
    return found


def rights(cells: Cells, norm: str, scale: str) -> npt.NDArray[np.float64]:
    return np.array(cells[norm, scale], dtype=float)


def test_a_claim_that_many_examples_bear_out_holds_for_others() -> None:
    judged = verdict(CELLS)
    found = judged.other_examples
    assert found is not None
    assert (judged.outcome, found.word, found.left_out) == ("supported", "yes", 0)
    assert found.found is not None
    assert found.found.both.mean == pytest.approx(judged.evidence.effect)
    difference = 100 * (rights(CELLS, "with", "1") - rights(CELLS, "without", "1"))
    assert found.found == crossed(difference)
    both = found.found.both
    by_hand = 2 * stats.t.sf(both.mean / both.error, both.freedom)
    assert found.p_supported == pytest.approx(by_hand)
    assert judged.evidence.p_supported < by_hand < 1e-6


def test_what_a_few_examples_decide_is_open_for_others() -> None:
    judged = verdict(FEW)
    found = judged.other_examples
    assert found is not None
    assert (judged.outcome, found.word) == ("supported", "open")
    assert found.found is not None
    assert found.found.alone is not None
    # The error of a share of 4 in 400: sqrt(p (1 - p)/N), in points.
    assert found.found.both.error == pytest.approx(100 * np.sqrt(0.01 * 0.99 / N), rel=0.1)
    assert found.found.alone.error < 0.2 * found.found.both.error
    by_hand = 2 * stats.t.sf(found.found.both.mean / found.found.both.error, N - 1)
    assert found.p_supported == pytest.approx(by_hand, rel=0.01)


def test_no_is_said_of_what_is_refuted_for_others_too() -> None:
    judged = verdict(CELLS, expect="less")
    assert (judged.outcome, told_of(CELLS, expect="less").word) == ("refuted", "no")
    assert (verdict(FEW, expect="less").outcome, told_of(FEW, expect="less").word) == (
        "refuted",
        "open",
    )


def test_an_open_claim_is_open_for_others() -> None:
    alike: Cells = {**CELLS, ("with", "1"): random(0.9), ("without", "1"): random(0.9)}
    assert (verdict(alike).outcome, told_of(alike).word) == ("inconclusive", "open")


@pytest.mark.parametrize(
    ("expect", "margin", "outcome", "word"),
    [
        ("equal", 2.5, "supported", "yes"), ("equal", 1.2, "supported", "open"),
        ("equal", 0.5, "refuted", "open"), ("greater", 0.1, "supported", "open"),
        ("greater", 3.0, "refuted", "no"),
    ],
)  # fmt: skip
def test_the_margin_counts_for_others_as_well(
    expect: str, margin: float, outcome: str, word: str
) -> None:
    """The effect is 0.9 points; other examples leave an error of 0.5, other replicates of 0.07."""
    judged = verdict(FEW, expect=expect, margin=margin)
    assert judged.other_examples is not None
    assert (judged.outcome, judged.other_examples.word) == (outcome, word)


def test_settings_are_averaged_and_an_interaction_is_a_difference_of_differences() -> None:
    at_1, at_10 = (
        100 * (rights(CELLS, "with", scale) - rights(CELLS, "without", scale))
        for scale in ("1", "10")
    )
    averaged = told_of(CELLS, at={})
    assert averaged.found == crossed((at_1 + at_10) / 2)
    crossing = {"at": {}, "interaction": ("scale", "10", "1"), "margin": 1.0}
    found = told_of(CELLS, **crossing)
    assert found.found is not None
    assert found.found.both.mean == pytest.approx((at_10 - at_1).mean())
    assert found.found.both.error == pytest.approx(crossed(at_10 - at_1).both.error)
    assert found.word == "yes"


def test_of_an_order_every_step_must_hold() -> None:
    order = {
        "compare": None, "at": {"norm": ("without",)}, "over": "scale", "expect": "monotone",
    }  # fmt: skip
    asked = {**order, "direction": "down"}
    found = told_of(CELLS, **asked)
    assert found.found == crossed(
        100 * (rights(CELLS, "without", "10") - rights(CELLS, "without", "1"))
    )
    assert found.word == "yes"
    assert told_of(CELLS, **{**asked, "direction": "up"}).word == "no"


def test_pairs_without_a_run_that_converged_are_left_out_and_counted() -> None:
    lost: Cells = {**CELLS, ("without", "1"): [None, *CELLS["without", "1"][1:]]}
    judged = verdict(lost)
    found = judged.other_examples
    assert found is not None
    assert judged.evidence.test == "two parts"
    assert (found.word, found.left_out) == ("yes", 1)
    difference = 100 * (rights(CELLS, "with", "1") - rights(CELLS, "without", "1"))
    assert found.found == crossed(difference[1:])
    # The run that was lost speaks for the claim, there as here: seven pairs, and one coin.
    both = found.found.both
    quality = stats.norm.isf(stats.t.sf(both.mean / both.error, both.freedom))
    coin = stats.norm.isf(0.5 - 0.5 / 2)  # the mid-p of one head
    z = (np.sqrt(7) * quality + coin) / np.sqrt(8)
    assert found.p_supported == pytest.approx(2 * stats.norm.sf(z))


def test_of_a_claim_that_an_early_look_decides_the_runs_of_that_look_speak() -> None:
    looked = study(claim(compare=PAIR, at=AT, expect="greater")).model_copy(
        update={"looks": (6, R)}
    )
    judged = judge(looked, frames(CELLS), {})[0]
    assert judged.look is not None
    assert judged.look.replicates == 6
    found = judged.other_examples
    assert found is not None
    difference = 100 * (rights(CELLS, "with", "1") - rights(CELLS, "without", "1"))
    assert (found.word, found.found) == ("yes", crossed(difference[:6]))


def test_nothing_is_said_where_it_is_no_question() -> None:
    for fields in (
        {"metric": "test/loss", "expect": "less"},
        {"spread_over": "replicates"},
        {"spread_over": "scale", "at": {}},
        {"compare": None, "expect": "converges", "rate": 0.5},
    ):
        assert verdict(CELLS, **fields).other_examples is None, fields
    few = judge(study(claim(compare=PAIR, expect="greater"), replicates=5), frames(CELLS), {})
    assert (few[0].outcome, few[0].other_examples) == ("withheld", None)
    asked = claim(compare=PAIR, at={"optimizer.lr": ("0.1",)}, expect="greater")
    tuned = study().model_copy(update={"tune": Tune(key="optimizer.lr", values=(0.1, 1.0))})
    assert not compares_accuracy(asked, tuned)  # of runs that tuned no answers are kept


def test_what_is_not_recorded_is_said_with_its_reason() -> None:
    given = frames(CELLS)
    asked = study(claim(compare=PAIR, at=AT, expect="greater"))

    def found(examples: pd.DataFrame) -> OtherExamples | None:
        kept = Frames(**{**vars(given), "examples": examples})
        return judge(asked, kept, {})[0].other_examples

    assert found(given.examples.iloc[:0]) == OtherExamples("not recorded")
    some = given.examples[given.examples["cell"] != "without-1"]
    note = "runs of without-1 keep no predictions"
    assert found(some) == OtherExamples("not recorded", note=note)
    mixed = given.examples.copy()
    mixed.loc[mixed["cell"] == "without-1", "test_set"] = "another"
    note = "the runs are scored on different test sets"
    assert found(mixed) == OtherExamples("not recorded", note=note)
    other = given.examples.copy()
    other.loc[other["cell"] == "without-10", "test_set"] = "another"  # which is not compared
    assert found(other) == found(given.examples)


def test_the_table_has_a_column_of_it_and_the_csv_all_numbers() -> None:
    claims = (
        claim("few", compare=PAIR, at=AT, expect="greater"),
        claim("rate", at={}, expect="converges", rate=0.5),
    )
    verdicts = judge(study(*claims), frames(FEW), {})
    table = print_claims(verdicts, 1)
    assert table.columns[-1] == "for other test examples too"
    texts = [str(entries[-1]) for _, entries in table.rows]
    assert texts == ["open (standard error 0.5 points)", "–"]
    assert "open, neither." in table.caption[-1]
    lines = claims_csv(verdicts).splitlines()
    few, rate = (dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:])
    found = verdicts[0].other_examples
    assert found is not None
    assert found.found is not None
    assert few["other_examples"] == "open"
    assert float(few["error_replicates_and_examples"]) == found.found.both.error
    assert float(few["p_supported_examples"]) == found.p_supported
    assert few["test_examples"] == str(N)
    assert rate["other_examples"] == rate["test_examples"] == ""
    first, second = told(verdicts)
    assert first["other_examples"] == texts[0]
    assert "other_examples" not in second


def test_a_report_of_before_says_so_in_its_caption_alone() -> None:
    given = Frames(**{**vars(frames(CELLS)), "examples": frames(CELLS).examples.iloc[:0]})
    asked = claim(compare=PAIR, at=AT, expect="greater")
    verdicts = judge(study(asked), given, {})
    table = print_claims(verdicts, 1)
    assert table.columns[-1] == "evidence"
    said = "Whether verdicts hold for other test examples too is not recorded."
    assert table.caption[-1] == said
    assert told(verdicts)[0]["other_examples"] == "not recorded"
    on_loss = judge(study(claim(compare=PAIR, expect="less", metric="test/loss")), given, {})
    assert said not in print_claims(on_loss, 1).caption


@pytest.mark.parametrize(("cells", "fires"), [(FEW, True), (CELLS, False)], ids=["few", "many"])
@pytest.mark.parametrize("claimed", [True, False])
def test_the_warning_goes_by_the_answers_where_they_are_kept(
    cells: Cells, fires: bool, claimed: bool
) -> None:
    only = {levels: cell for levels, cell in cells.items() if levels[1] == "1"}
    of = study(*[claim(compare=PAIR, at=AT, expect="greater")] * claimed)
    scale = of.factors[1].model_copy(update={"levels": of.factors[1].levels[:1]})
    of = of.model_copy(update={"factors": (of.factors[0], scale), "smallest_effect": 9.0})
    given = frames(only)
    facts = Facts((), {"test": N}, "", ())
    warnings = warnings_of(of, given, facts, {}, judge(of, given, {}))
    texts = [one.text for one in warnings if one.kind == "small test set"]
    assert bool(texts) == fires
    if fires:
        assert "400 of them leave a standard error of 0.50 points" in texts[0]
