"""Each kind of warning on small frames: where it must fire, and where it must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ablate.config.validate import run_config
from ablate.report.circumstances import Facts
from ablate.report.frame import Frames
from ablate.report.verdicts import judge
from ablate.report.warnings import warnings_of
from ablate.report.warnings_of_machines import unlike_machines
from ablate.study.claims import form_of
from ablate.study.schema import Factor, Level, Metric, Study, Tune

R = 8
FACTS = Facts(data=(), examples={"test": 10_000}, training="", commands=())
RNG = np.random.default_rng(0)
#: Alike in all cells, so that pairs differ by what is said and little noise.
NOISE = 0.002 * RNG.standard_normal(R)


def factor(name, **levels):
    made = tuple(Level(name=level, overrides=overrides) for level, overrides in levels.items())
    return Factor(name=name, label=name, levels=made)


ARM = factor("arm", a={"augment": "crop"}, b={"augment": "none"})


def study(*claims, factors=(ARM,), replicates=R, **fields):
    return Study(
        name="s", question="?", baseline={}, replicates=replicates, report=(),
        smallest_effect=fields.pop("smallest_effect", 0.5), factors=factors,
        metric=Metric(name="test/accuracy", better="higher"), claims=claims, **fields,
    )  # fmt: skip


def claim(expect="greater", **fields):
    fields = {"compare": ("arm", "a", "b"), "expect": expect, **fields}
    return form_of(fields)(name=fields.pop("name", "c"), text="A is better.", **fields)


def config(**changes):
    base = {"data": {"name": "mnist"}, "model": {"name": "mlp"},
            "optimizer": {"name": "momentum", "lr": 0.01}}  # fmt: skip
    return run_config({**base, **changes})


def jitter(seed, sd=0.0005):
    return sd * np.random.default_rng(seed).standard_normal(R)


def frames(test, train=None, epochs=None, **columns):
    """Return frames of cells `a` and `b`; NaN is n/c, `epochs` validation accuracy by step."""
    rows = [
        {
            "cell": cell, "replicate": r, "factor:arm": cell,
            "status": "diverged" if np.isnan(value) else "done", "test/accuracy": value,
            **({"train/accuracy": train[cell][r]} if train else {}),
            **{name: values[cell] for name, values in columns.items()},
        }
        for cell, values in test.items()
        for r, value in enumerate(values)
    ]  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    if epochs:
        empty_epochs = pd.DataFrame([
            {"cell": cell, "replicate": r, "step": step, "validation/accuracy": value + NOISE[r] * step / 100}
            for cell, curve in epochs.items() for r in range(R) for step, value in curve
        ])  # fmt: skip
    else:
        empty_epochs = empty
    return Frames(pd.DataFrame(rows), empty_epochs, empty, empty, empty, empty, empty)


def warned(asked, found, configs=None, facts=FACTS):
    configs = configs or {"a": config(augment={"crop": 2}), "b": config()}
    verdicts = judge(asked, found, configs)
    return {one.kind: one for one in warnings_of(asked, found, facts, configs, verdicts)}


def apart(difference, at=0.8):
    """Return test accuracy of `a` and `b` that far apart, with noise in the pairs."""
    return {"a": at + difference + NOISE + jitter(1), "b": at + NOISE}


def test_nothing_is_said_of_a_clear_difference_at_full_training():
    train = {"a": 0.99 + jitter(2), "b": 0.99 + jitter(3)}
    flat = [(0, 0.1), (50, 0.8), (80, 0.8), (90, 0.8), (100, 0.8)]
    found = frames(apart(0.05), train, {"a": flat, "b": flat})
    assert warned(study(claim()), found) == {}


def test_an_arm_that_fits_worse_and_tests_worse_was_trained_differently():
    train = {"a": 0.99 + jitter(2), "b": 0.90 + jitter(3)}
    one = warned(study(claim()), frames(apart(0.05), train))["trained differently"]
    assert one.claim == "c"
    assert one.text.startswith(
        "Runs with b also fit their training set worse (training accuracy 99.0 % with a, 90.0 % "
        "with b; +9.0"
    )


@pytest.mark.parametrize(
    "train",
    [
        {"a": 0.90 + jitter(2), "b": 0.99 + jitter(3)},  # regularized: fits worse, tests better
        {"a": 0.992 + jitter(2), "b": 0.99 + jitter(3)},  # under the smallest effect
        {"a": 0.99 + 0.2 * RNG.standard_normal(R), "b": 0.90 + jitter(3)},  # not shown
        None,  # not measured, as of an ensemble
    ],
    ids=["other-way", "small", "noise", "unknown"],
)
def test_regularization_and_noise_are_no_underfitting(train):
    assert "trained differently" not in warned(study(claim()), frames(apart(0.05), train))


def test_a_test_result_that_does_not_differ_needs_no_explanation():
    train = {"a": 0.99 + jitter(2), "b": 0.90 + jitter(3)}
    test = {"a": 0.8 + jitter(4, 0.02), "b": 0.8 + jitter(5, 0.02)}
    assert "trained differently" not in warned(study(claim()), frames(test, train))


def test_without_claims_the_leader_is_compared():
    train = {"a": 0.99 + jitter(2), "b": 0.90 + jitter(3)}
    one = warned(study(), frames(apart(0.05), train))["trained differently"]
    assert one.claims == ()
    assert one.claim is None


def test_validation_that_still_rises_is_told_with_what_another_fifth_would_bring():
    rising = [(0, 0.1), (50, 0.6), (80, 0.70), (90, 0.75), (100, 0.80)]
    flat = [(0, 0.1), (50, 0.8), (80, 0.8), (90, 0.8), (100, 0.8)]
    found = frames(apart(0.05), epochs={"a": rising, "b": flat})
    one = warned(study(claim()), found)["still improving"]
    assert one.text.startswith("In 1 of 2 settings validation accuracy was still rising when")
    # 0.5 points a step for 20 steps
    assert "would bring 10." in one.text


@pytest.mark.parametrize(
    ("curve", "fields"),
    [
        ([(0, 0.1), (50, 0.9), (80, 0.85), (90, 0.82), (100, 0.8)], {}),
        ([(0, 0.1), (50, 0.6), (80, 0.799), (90, 0.8), (100, 0.801)], {}),
        ([(0, 0.1), (50, 0.6), (80, 0.70), (90, 0.75), (100, 0.80)],
         {"stopping": {"name": "patience"}}),
    ],
    ids=["falls", "under-the-smallest-effect", "stops-by-itself"],
)  # fmt: skip
def test_what_has_ended_is_not_still_improving(curve, fields):
    found = frames(apart(0.05), epochs={"a": curve, "b": curve})
    configs = {"a": config(augment={"crop": 2}, **fields), "b": config(**fields)}
    assert "still improving" not in warned(study(claim()), found, configs)


NORM = {
    "a": config(model={"name": "mlp", "norm": "batch"}),
    "b": config(),
}


def test_what_changes_the_step_is_compared_at_one_learning_rate():
    one = warned(study(claim()), frames(apart(0.05)), NORM)["one learning rate"]
    assert one.text.startswith(
        "Compared at one learning rate, 0.01: a against b, though model.norm changes how far"
    )


def test_a_rate_that_was_tuned_that_differs_or_that_nothing_changes_is_no_warning():
    tuned = study(claim(), tune=Tune(key="optimizer.lr", values=(0.01, 0.1)))
    found = frames(apart(0.05))
    rates = {**NORM, "b": config(optimizer={"name": "momentum", "lr": 0.1})}
    for asked, configs in (
        (tuned, NORM),
        (study(claim()), rates),
        (study(claim()), {"a": config(augment={"crop": 2}), "b": config()}),
    ):
        assert "one learning rate" not in warned(asked, found, configs)


@pytest.mark.parametrize(("a", "b", "said"), [(0.1, 0.03, "(0.1 in 1)"), (0.03, 0.03, "")])
def test_a_tuned_value_at_the_edge_of_its_range(a, b, said):
    tuned = study(claim(), tune=Tune(key="optimizer.lr", values=(0.01, 0.03, 0.1)))
    found = frames(apart(0.05), **{"tuned:optimizer.lr": {"a": a, "b": b}})
    warnings = warned(tuned, found)
    assert ("edge of tuning" in warnings) == bool(said)
    if said:
        assert said in warnings["edge of tuning"].text
        assert "In 1 of 2 settings that converged" in warnings["edge of tuning"].text


@pytest.mark.parametrize(("at_edge", "fires"), [(4, True), (3, False)])
def test_the_edge_of_nested_tuning_is_where_half_of_the_replicates_are(at_edge, fires):
    tune = Tune(key="optimizer.lr", values=(0.01, 0.03, 0.1), nested=True)
    found = frames(apart(0.05))
    chosen = np.where(found.runs["replicate"] < at_edge, 0.1, 0.03)
    found = replace(found, runs=found.runs.assign(**{"tuned:optimizer.lr": chosen}))
    assert ("edge of tuning" in warned(study(claim(), tune=tune), found)) == fires


@pytest.mark.parametrize(("lost", "fires"), [(5, True), (4, False), (0, False)])
def test_an_arm_that_lost_more_than_half(lost, fires):
    test = apart(0.05)
    test["b"] = np.where(np.arange(R) < lost, np.nan, test["b"])
    warnings = warned(study(claim()), frames(test))
    assert ("half n/c" in warnings) == fires
    if fires:
        assert warnings["half n/c"].text.startswith("5 of 8 runs with arm b did not converge")
    assert ("half n/c" in warned(study(), frames(test))) == fires


def test_fewer_than_six_replicates_decide_no_claim():
    few = {cell: values[:5] for cell, values in apart(0.05).items()}
    one = warned(study(claim(), replicates=5), frames(few))["too few replicates"]
    assert one.text == "There are 5 replicates; under 6 no claim is judged."


def test_an_open_claim_that_takes_more_replicates():
    test = {"a": 0.8 + jitter(4, 0.02), "b": 0.8 + jitter(5, 0.02)}
    one = warned(study(claim(margin=1.0)), frames(test))["too few replicates"]
    assert one.claim == "c"
    assert one.text.startswith("8 replicates are too few for 1 of 1 claim: it would take about ")
    assert "too few replicates" not in warned(study(claim()), frames(apart(0.05)))


@pytest.mark.parametrize(
    ("difference", "sd", "examples", "fires"),
    [
        (0.006, 0.005, 1000, True),  # as large as the standard error
        (0.006, 0.005, 100_000, False),  # examples enough
        (0.05, 0.005, 1000, False),  # far beyond it
        (0.006, 0.0005, 1000, False),  # networks that answer alike
    ],
    ids=["close", "many-examples", "large-effect", "alike"],
)
def test_a_verdict_that_other_test_examples_could_turn(difference, sd, examples, fires):
    noise = jitter(1, sd)
    test = {"a": 0.8 + difference + noise - noise.mean() + NOISE, "b": 0.8 + NOISE}
    facts = Facts(data=(), examples={"test": examples}, training="", commands=())
    warnings = warned(study(claim()), frames(test), facts=facts)
    assert ("small test set" in warnings) == fires


def test_one_run_that_is_stuck_makes_a_mean():
    stuck = 0.8 + jitter(5, 0.002)
    stuck[3] -= 0.3
    one = warned(study(claim()), frames({"a": 0.8 + jitter(4, 0.002), "b": stuck}))
    assert one["mean and median part"].claim == "c"
    assert one["mean and median part"].text.startswith(
        "The differences behind c are uneven (mean +"
    )
    assert "mean and median part" not in warned(study(claim()), frames(apart(0.05)))


def test_a_quick_look_warns_of_nothing():
    quick = study(claim(), is_quick=True)
    assert warned(quick, frames(apart(0.05), {"a": [0.9] * R, "b": [0.5] * R}), NORM) == {}


def test_several_of_a_kind_are_one_warning_on_all_their_claims():
    claims = [claim(name=name) for name in ("first", "second")]
    one = warned(study(*claims), frames(apart(0.05)), NORM)["one learning rate"]
    assert one.claims == ("first", "second")
    assert one.as_told() == {"kind": "one learning rate", "claim": None, "text": one.text}


MACHINES = {
    "avx2": {"device": "cpu", "gpu": None, "cpu": "AMD EPYC 7B13", "cpu_capability": "AVX2"},
    "avx512": {"device": "cpu", "gpu": None, "cpu": "AMD EPYC 9654", "cpu_capability": "AVX512"},
    "intel": {"device": "cpu", "gpu": None, "cpu": "Intel(R) Xeon(R)", "cpu_capability": "AVX512"},
    "h100": {"device": "cuda", "gpu": "NVIDIA H100", "cpu": "Intel(R)", "cpu_capability": "AVX2"},
    "l4": {"device": "cuda", "gpu": "NVIDIA L4", "cpu": "Intel(R)", "cpu_capability": "AVX2"},
}


def made_on(machine_of):
    """Return the runs of two cells, each made on the machine that `(cell, replicate)` gives."""
    rows = [
        {"cell": cell, "replicate": r, "status": "done", **MACHINES[machine_of(cell, r)]}
        for cell in ("a", "b")
        for r in range(R)
    ]
    return pd.DataFrame(rows)


def test_pairs_on_machines_of_different_kinds():
    (found,) = unlike_machines(
        made_on(lambda cell, r: "avx512" if r < 3 and cell == "b" else "avx2")
    )
    assert found.kind == "unlike machines"
    assert found.text == (
        "In 3 of 8 replicates runs that are compared were made on machines of different kinds "
        "(AVX2 on AMD in 13 runs, AVX512 on AMD in 3 runs), whose arithmetic differs in the last "
        "digits; trainer.cpu_capability=avx2 gives them the same instructions."
    )
    (found,) = unlike_machines(
        made_on(lambda cell, r: "intel" if r == 5 and cell == "a" else "avx2")
    )
    assert "In 1 of 8 replicates" in found.text
    assert "AVX512 on Intel in 1 run)" in found.text
    assert found.text.endswith("a sweep on machines of one kind tells whether that matters.")
    (found,) = unlike_machines(made_on(lambda cell, r: "l4" if cell == "a" else "h100"))
    assert "NVIDIA H100 in 8 runs, NVIDIA L4 in 8 runs" in found.text


def test_replicates_on_a_machine_each_are_no_matter():
    assert unlike_machines(made_on(lambda cell, r: "intel" if r % 2 else "avx2")) == []
    runs = made_on(lambda cell, r: "intel" if cell == "a" else "avx2")
    assert unlike_machines(runs.drop(columns="gpu")) == []  # a report of before
    assert unlike_machines(runs.assign(cpu_capability=None)) == []
    assert unlike_machines(runs.assign(status=["done"] * R + ["failed"] * R)) == []
