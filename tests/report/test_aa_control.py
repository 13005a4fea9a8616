"""The A/A control: compiled as a cell of no levels, trained on other streams, and told apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from frames_for_tests import factor, make_study
from scipy import stats

from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.report.aa_control import control_text, without_control
from ablate.report.frame import Frames
from ablate.study.schema import Tune

CONFIG = run_config(
    {
        "data": {"name": "digits"}, "model": {"name": "mlp"},
        "optimizer": {"name": "sgd", "lr": 0.1},
    }
)  # fmt: skip
CONFIGS = {"norm=batch-1": CONFIG, "control-2": CONFIG.model_copy(update={"control": True})}


def frames(original: np.ndarray, again: np.ndarray) -> Frames:
    rows = [
        {
            "cell": cell, "replicate": r, "factor:norm": "batch" if "norm" in cell else None,
            "status": "diverged" if np.isnan(value) else "done", "test/accuracy": value,
        }
        for cell, values in (("norm=batch-1", original), ("control-2", again))
        for r, value in enumerate(values)
    ]  # fmt: skip
    empty = pd.DataFrame({"cell": [], "replicate": [], "step": []})
    return Frames(pd.DataFrame(rows), empty, empty, empty, empty, empty, empty)


def study(replicates: int):
    return make_study(factor("norm", ["batch"]), replicates=replicates)


def test_the_control_is_one_more_cell_with_another_key(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["study=quickstart", "study.aa=true"]
    (start,) = plan_studies(sort_words(words))
    (plain,) = plan_studies(sort_words(words[:1]))
    *cells, control = start.plan.cells
    assert tuple(cells) == plain.plan.cells
    assert start.plan.study.name == "quickstart"
    assert control.levels == {}
    assert control.key not in {cell.key for cell in cells}
    (same,) = [cell for cell in cells if f"A/A control of {cell.name}" == control.name]
    assert control.config.model_copy(update={"control": False}) == same.config
    assert control.config.entropy != same.config.entropy
    assert "study.aa=true" in start.plan.study.command
    with pytest.raises(ConfigError, match=r"study\.aa is true or false"):
        sort_words(["study=quickstart", "study.aa=perhaps"])


def test_no_table_sees_it() -> None:
    kept = without_control(frames(np.zeros(3), np.ones(3)), CONFIGS)
    assert set(kept.runs["cell"]) == {"norm=batch-1"}


def test_it_is_compared_as_claims_are() -> None:
    rng = np.random.default_rng(2)
    a, b = (0.9 + 0.01 * rng.standard_normal(8) for _ in range(2))
    text = control_text(study(8), frames(a, b), CONFIGS)
    p = stats.ttest_rel(b, a).pvalue
    assert f"p = {p:.2g}" in text
    assert "no difference is shown, as it should be" in text
    assert f"{100 * (b - a).mean():+.1f}".replace("-", "−") in text
    assert "a difference is shown" in control_text(study(8), frames(a, a + 0.1 + b / 100), CONFIGS)


def test_runs_that_did_not_converge_are_counted() -> None:
    a = np.array([0.9, 0.91, np.nan, 0.9])
    text = control_text(study(4), frames(a, a + 0.001), CONFIGS)
    assert "n/c 1 and 1 of 4" in text


@pytest.mark.parametrize(("nested", "rates", "said"), [
    (True, (0.1, 0.3), "other seeds, optimizer.lr tuned anew for each as it was for theirs, differ"),
    (False, (0.1, 0.1), "other seeds and the optimizer.lr that was chosen for them differ by"),
    (False, (0.1, 0.3), "another choice of optimizer.lr, which alone can tell them apart, differ by"),
])  # fmt: skip
def test_it_says_how_the_control_was_tuned(
    nested: bool, rates: tuple[float, float], said: str
) -> None:
    rng = np.random.default_rng(2)
    found = frames(*(0.9 + 0.01 * rng.standard_normal(8) for _ in range(2)))
    own = np.where(found.runs["cell"] == "control-2", rates[1], rates[0])
    found = replace(found, runs=found.runs.assign(**{"tuned:optimizer.lr": own}))
    tune = Tune(key="optimizer.lr", values=(0.1, 0.3), nested=nested)
    assert said in control_text(study(8).model_copy(update={"tune": tune}), found, CONFIGS)


def test_a_study_without_one_says_nothing() -> None:
    only = {"norm=batch-1": CONFIG}
    assert control_text(study(3), frames(np.zeros(3), np.ones(3)), only) == ""
