"""Verdicts on made runs: each form of claim, by hand, and the family of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.config.validate import run_config
from ablate.errors import ReportError
from ablate.lessons.signal import theory
from ablate.metrics import parse
from ablate.report.claim_metrics import measure
from ablate.report.frame import Frames
from ablate.report.printed_claims import claims_csv, effect_text, outcome_text, print_claims
from ablate.report.verdicts import judge
from ablate.study.claims import Claim, form_of
from ablate.study.schema import Factor, Level, Metric, Study

R = 8
PAIR = ("norm", "with", "without")


def study(*claims: Claim, replicates: int = R, better: str = "higher") -> Study:
    def factor(name: str, *levels: str) -> Factor:
        return Factor(
            name=name, label=name, levels=tuple(Level(name=v, overrides={}) for v in levels)
        )

    metric = "test/accuracy" if better == "higher" else "test/loss"
    return Study(
        name="s", question="?", baseline={}, replicates=replicates, report=(), smallest_effect=0.5,
        factors=(factor("norm", "with", "without"), factor("scale", "1", "10")),
        metric=Metric(name=metric, better=better), claims=claims,
    )  # fmt: skip


def claim(name: str = "c", **fields: object) -> Claim:
    return form_of(fields)(name=name, text=f"{name}.", **fields)


def frames(values: dict[tuple[str, str], np.ndarray], metric: str = "test/accuracy") -> Frames:
    """Return frames of runs; NaN is n/c."""
    rows = [
        {
            "cell": f"{norm}-{scale}", "replicate": r, "factor:norm": norm, "factor:scale": scale,
            "status": "diverged" if np.isnan(value) else "done", metric: value,
        }
        for (norm, scale), cell in values.items()
        for r, value in enumerate(cell)
    ]  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(rows), empty, empty, empty, empty, empty, empty)


def noisy(mean: float, sd: float = 0.01, seed: int = 0) -> np.ndarray:
    return mean + sd * np.random.default_rng(seed).standard_normal(R)


def made(**changes: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    cells = {
        ("with", "1"): noisy(0.95, seed=1), ("with", "10"): noisy(0.94, seed=2),
        ("without", "1"): noisy(0.90, seed=3), ("without", "10"): noisy(0.60, seed=4),
    }  # fmt: skip
    return cells | {tuple(key.split("_")): value for key, value in changes.items()}


def test_an_effect_is_a_paired_t_of_means_over_what_at_leaves_open() -> None:
    cells = made()
    (verdict,) = judge(study(claim(compare=PAIR, expect="greater", margin=1.0)), frames(cells), {})
    difference = 100 * (
        cells["with", "1"] + cells["with", "10"] - cells["without", "1"] - cells["without", "10"]
    ) / 2  # fmt: skip
    expected = stats.ttest_1samp(difference, 1.0)
    assert verdict.outcome == "supported"
    assert verdict.evidence.p_supported == pytest.approx(expected.pvalue, rel=1e-10)
    assert verdict.evidence.effect == pytest.approx(difference.mean())
    low, high = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert (verdict.low, verdict.high) == pytest.approx((low, high))
    assert (verdict.not_converged, verdict.runs, verdict.better) == ((0, 0), (2 * R, 2 * R), 1.0)
    assert effect_text(verdict).startswith("+19")


def test_at_fixes_a_factor_and_less_is_the_other_way_round() -> None:
    at = {"scale": ("1",)}
    greater, less = (
        judge(study(claim(compare=PAIR, at=at, expect=e)), frames(made()), {})[0]
        for e in ("greater", "less")
    )
    assert (greater.outcome, less.outcome) == ("supported", "refuted")
    assert greater.evidence.effect == less.evidence.effect
    assert greater.evidence.effect == pytest.approx(5, abs=2)


def test_a_lost_run_loses_whichever_way_the_metric_points() -> None:
    lost = noisy(0.9)
    lost[:] = np.nan
    cells = made(without_1=lost)
    at = {"scale": ("1",)}
    accuracy = study(claim(compare=PAIR, at=at, expect="greater"))
    (verdict,) = judge(accuracy, frames(cells), {})
    assert (verdict.outcome, verdict.evidence.test) == ("supported", "sign")
    assert verdict.evidence.p == pytest.approx(2 / 2**R)
    assert (verdict.not_converged, verdict.evidence.effect) == ((0, R), None)
    assert verdict.p_convergence == pytest.approx(2 / 2**R)
    loss = study(claim(compare=PAIR, at=at, expect="less"), better="lower")
    assert judge(loss, frames(cells, "test/loss"), {})[0].outcome == "supported"


def test_a_claim_on_what_no_run_has_is_not_answered_and_says_why() -> None:
    asked = claim(compare=PAIR, expect="less", metric="test/brier")
    sound = claim("sound", compare=PAIR, expect="greater")
    first, second = judge(study(asked, sound), frames(made()), {})
    assert (first.outcome, first.note) == (
        "not answered",
        "the runs have no metric 'test/brier'.",
    )
    assert second.outcome == "supported"
    grid = print_claims([first, second], 1)
    assert str(grid.rows[0][1][-1]) == "the runs have no metric 'test/brier'"


def test_runs_of_a_replicate_are_one_trial_of_a_rate() -> None:
    """Two cells of eight: one lost run in one replicate, and what each cell says by itself."""
    cells = made(with_1=np.append(noisy(0.95)[:-1], np.nan))
    at = {"norm": ("with",)}
    claims = [
        claim("together", at=at, expect="converges", rate=0.5),
        claim("each", at=at, expect="converges", rate=0.5, per="setting"),
        claim("fails", at=at, expect="diverges", rate=0.5),
    ]
    together, each, fails = judge(study(*claims), frames(cells), {})
    p = stats.binom.sf(6, 8, 0.5)
    for verdict in (together, each):
        assert (verdict.evidence.n, verdict.evidence.effect) == (R, 7 / 8)
        assert verdict.evidence.p_supported == pytest.approx(2 * p)
    assert each.evidence.p_refuted == 1.0
    assert (fails.evidence.effect, fails.outcome) == (0.0, "refuted")


def test_an_open_rate_says_how_many_replicates_it_would_take() -> None:
    asked = claim(at={"norm": ("with",)}, expect="converges", rate=0.8)
    (verdict,) = judge(study(asked), frames(made()), {})
    assert outcome_text(verdict) == "inconclusive; 17 replicates that all do would tell"


def test_pairs_that_are_left_must_be_six() -> None:
    """Both arms lose the same three of eight replicates."""
    gone = np.arange(R) < 3
    cells = made(
        with_1=np.where(gone, np.nan, made()["with", "1"]),
        without_1=np.where(gone, np.nan, made()["without", "1"]),
    )
    asked = claim(compare=PAIR, at={"scale": ("1",)}, expect="greater")
    (verdict,) = judge(study(asked), frames(cells), {})
    assert (verdict.outcome, verdict.evidence.n) == ("withheld", 5)


def test_lost_runs_count_as_guessing_where_spreads_are_compared() -> None:
    config = run_config({
        "data": {"name": "digits"}, "model": {"name": "mlp"}, "init": {"name": "he"},
        "optimizer": {"name": "sgd"},
    })  # fmt: skip
    cells = made(without_10=np.append(noisy(0.6)[:-1], np.nan))
    configs = dict.fromkeys(frames(cells).runs["cell"], config)
    asked = claim(compare=PAIR, spread_over="scale", expect="less")
    (verdict,) = judge(study(asked), frames(cells), configs)
    guessed = made(without_10=np.append(noisy(0.6)[:-1], 0.1))
    (same,) = judge(study(asked), frames(guessed), configs)
    assert verdict.evidence.test == "jackknife t"
    assert verdict.evidence.effect == pytest.approx(same.evidence.effect)
    # Nobody knows what guessing scores without a config: who lost more levels is then judged.
    (signs,) = judge(study(asked), frames(cells), {})
    assert (signs.evidence.test, signs.evidence.p) == ("sign", 1.0)


def test_printed_intervals_hold_together() -> None:
    claims = [claim(str(i), compare=PAIR, at={"scale": ("1",)}, expect="greater") for i in range(4)]
    verdicts = judge(study(*claims), frames(made()), {})
    assert {(v.low, v.high) for v in verdicts} == {verdicts[0].evidence.limits(0.05 / 4)}


def test_nothing_converged_is_not_answered() -> None:
    nothing = np.full(R, np.nan)
    cells = made(with_1=nothing, without_1=nothing)
    asked = claim(compare=PAIR, at={"scale": ("1",)}, expect="greater")
    assert judge(study(asked), frames(cells), {})[0].outcome == "not answered"


def test_a_missing_run_few_replicates_and_a_quick_look_give_no_verdict() -> None:
    asked = claim(compare=PAIR, expect="greater")
    whole = frames(made())
    short = Frames(**{**vars(whole), "runs": whole.runs.iloc[1:]})
    assert judge(study(asked), short, {})[0].outcome == "incomplete"
    quick = study(asked).model_copy(update={"is_quick": True})
    assert judge(quick, whole, {})[0].outcome == "withheld"
    few = Frames(**{**vars(whole), "runs": whole.runs[whole.runs["replicate"] < 5]})
    assert judge(study(asked, replicates=5), few, {})[0].outcome == "withheld"


def test_equal_uses_the_smallest_effect_and_says_what_it_would_take() -> None:
    same = made(without_1=noisy(0.95, seed=5))
    asked = claim(compare=PAIR, at={"scale": ("1",)}, expect="equal")
    (verdict,) = judge(study(asked), frames(same), {})
    assert (verdict.outcome, verdict.margin) == ("inconclusive", 0.5)
    assert verdict.needed is not None
    low, high = verdict.needed
    assert R < low < high
    assert outcome_text(verdict) == f"inconclusive; about {low} to {high} replicates would tell"
    close = made(with_1=noisy(0.95, 1e-4, 1), without_1=noisy(0.95, 1e-4, 5))
    assert judge(study(asked), frames(close), {})[0].outcome == "supported"
    far = judge(study(asked), frames(made()), {})[0]
    assert far.outcome == "refuted"


def test_spread_rates_order_and_interaction() -> None:
    claims = [
        claim("spread", compare=PAIR, spread_over="scale", expect="less"),
        claim("all", at={"norm": ("with",)}, expect="converges", rate=0.5),
        claim("down", at={"norm": ("without",)}, over="scale", direction="down", expect="monotone"),
        claim("up", at={"norm": ("without",)}, over="scale", direction="up", expect="monotone"),
        claim(
            "more", compare=PAIR, interaction=("scale", "10", "1"), expect="greater", margin=10.0
        ),
    ]
    verdicts = {v.claim.name: v for v in judge(study(*claims), frames(made()), {})}
    outcomes = {name: verdict.outcome for name, verdict in verdicts.items()}
    assert outcomes == {
        "spread": "supported", "all": "supported", "down": "supported", "up": "refuted",
        "more": "supported",
    }  # fmt: skip
    assert verdicts["spread"].evidence.test == "jackknife t"
    assert verdicts["more"].evidence.effect == pytest.approx(29, abs=3)
    grid = print_claims(list(verdicts.values()), 1)
    assert grid.rows[0][0] == "supported"
    assert "at 5 % (Holm)" in grid.caption[0]
    anew = print_claims(list(verdicts.values()), 2, coverage="Intervals cover replicates.")
    assert "at 0.76 % (Holm, less as it was declared anew" in anew.caption[0]
    assert anew.caption[-1] == "Intervals cover replicates."
    assert len(claims_csv(list(verdicts.values())).splitlines()) == 6


def test_a_family_is_judged_by_holm_and_later_declarations_cost_their_share() -> None:
    claims = [claim(str(i), compare=PAIR, at={"scale": ("1",)}, expect="greater") for i in range(4)]
    levels = [v.level for v in judge(study(*claims), frames(made()), {})]
    assert levels == pytest.approx([0.05 / 4, 0.05 / 3, 0.05 / 2, 0.05])
    levels = [v.level for v in judge(study(*claims), frames(made()), {}, declarations=2)]
    second = 0.05 * 6 / (4 * np.pi**2)
    assert levels == pytest.approx([second / 4, second / 3, second / 2, second])


def test_steps_to_a_value_and_a_run_that_never_gets_there() -> None:
    whole = frames(made())
    rows = [
        {"cell": "with-1", "replicate": 0, "step": s, "validation/accuracy": a}
        for s, a in ((0, 0.1), (10, 0.96), (20, 0.94))
    ]
    rows += [{"cell": "with-1", "replicate": 1, "step": 10, "validation/accuracy": 0.5}]
    with_epochs = Frames(**{**vars(whole), "epochs": pd.DataFrame(rows)})
    found = measure(parse("steps_to(validation/accuracy, 95)"), study(), with_epochs)
    first = found.values.iloc[:2]
    assert first["value"].tolist()[0] == 10
    assert first["not_converged"].tolist() == [False, True]
    assert (found.unit, found.better) == ("steps", "lower")


def test_a_theory_is_followed_within_a_share() -> None:
    config = run_config({
        "data": {"name": "synthetic", "shape": [50]},
        "model": {"name": "mlp", "depth": 3, "width": 50},
        "init": {"name": "he"}, "optimizer": {"name": "sgd"},
    })  # fmt: skip
    predicted = theory(config)
    assert predicted is not None
    whole = frames(made())
    layers = whole.runs[["cell", "replicate"]].assign(
        step=0, layer=3, quantity="activation",
        std=predicted.activation_std[2] * (1 + noisy(0.05, 0.02)[whole.runs["replicate"]]),
    )  # fmt: skip
    probed = Frames(**{**vars(whole), "layers": layers})
    configs = dict.fromkeys(whole.runs["cell"], config)
    asked = claim(
        expect="follows", follows="he_relu", within=0.25,
        metric="probe(activation/std, layer=3, step=0)",
    )  # fmt: skip
    (verdict,) = judge(study(asked), probed, configs)
    assert verdict.outcome == "supported"
    assert verdict.evidence.effect == pytest.approx(0.05, abs=0.02)
    with pytest.raises(ReportError, match="there is no layer 4"):
        measure(parse("probe(activation/std, layer=4, step=0)"), study(), probed)


@pytest.mark.parametrize(
    ("ratio", "outcome"), [(1.1, "supported"), (2.0, "refuted"), (0.1, "refuted")]
)
def test_two_layers_are_equal_within_a_share(ratio: float, outcome: str) -> None:
    whole = frames(made())
    runs = whole.runs[["cell", "replicate"]]
    last = 1 + noisy(0.0, 0.2)[whole.runs["replicate"]]
    first = last * (ratio + noisy(0.0, 0.01)[whole.runs["replicate"]])
    layers = pd.concat([
        runs.assign(step=0, layer=1, quantity="weight_gradient", std=first),
        runs.assign(step=0, layer=3, quantity="weight_gradient", std=last),
    ])  # fmt: skip
    probed = Frames(**{**vars(whole), "layers": layers})
    asked = claim(
        expect="follows", follows="equal_layers", within=0.25,
        metric="probe(weight_gradient/std, layer=1/last, step=0)",
    )  # fmt: skip
    (verdict,) = judge(study(asked), probed, {})
    assert verdict.outcome == outcome
    assert verdict.evidence.effect == pytest.approx(ratio - 1, abs=0.02)
    # A layer without gradients has no ratio, and is no number of its own.
    dead = Frames(**{**vars(whole), "layers": layers.assign(std=0.0)})
    with pytest.raises(ReportError, match="no run was probed there"):
        measure(asked.metric, study(), dead)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("test/acuracy", "no metric 'test/acuracy'"),
        ("steps_to(validation/acc, 95)", "no curve is called 'validation/acc'"),
    ],
)
def test_a_metric_that_no_run_has_is_named(expression: str, sentence: str) -> None:
    with pytest.raises(ReportError, match=sentence.replace("(", r"\(")):
        measure(parse(expression), study(), frames(made()))


def test_a_metric_that_some_cells_do_not_have_is_not_answered() -> None:
    """As early stopping's step, of cells that never stop."""
    one = claim(expect="greater", compare=PAIR, metric="stopping/step", at={"scale": ("1",)})
    found = frames(made())
    steps = np.where(found.runs["factor:norm"] == "with", 40.0, np.nan)
    found.runs["stopping/step"] = steps
    (verdict,) = judge(study(one), found, {})
    assert verdict.outcome == "not answered"
    assert verdict.note == "runs of without-1 have no stopping/step"
