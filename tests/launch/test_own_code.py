"""What a sweep says of code of one's own: before it starts, and at the first run that ends."""

import inspect
from pathlib import Path

import pytest
from sweeping_here import sweep_here

from ablate.errors import AblateError, ConfigError
from mylab.parts import Tiring


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sweep a study of a baseline and a metric, and return what the console shows."""

    def sweep(baseline: str, metric: str = "test/accuracy", more: str = "") -> str:
        text = (
            f"question: Q\nbaseline: {{probe.steps: 'off', trainer.device: cpu, {baseline}}}\n"
            f"factors: {{seed: [0, 1]}}\nreplicates: 1\nmetric: {metric}\nreport: [table]\n{more}\n"
        )
        return sweep_here(text, tmp_path, monkeypatch)

    return sweep


def test_a_metric_that_the_procedure_does_not_give_is_told_at_the_first_run(told) -> None:
    own = "data: digits, trainer: {_target_: mylab.train.metrics_alone}"
    text = told(own, "{name: step, better: higher}")
    asked = "note: the study's metric is 'step', and its runs report steps or test/accuracy."
    assert text.count(f"{asked} Did you mean 'steps'?") == 1
    assert "2/2 runs" in text
    assert "note" not in told(own, "{name: steps, better: higher}")


def test_a_rate_is_not_tuned_by_what_the_procedure_does_not_report(told) -> None:
    """All its values would be alike, and the first would win."""
    own = "data: digits, trainer: {_target_: mylab.train.metrics_alone}"
    sentence = (
        "value is tuned by validation/loss, and the training procedure reports steps or test/acc"
    )
    with pytest.raises(AblateError, match=sentence):
        told(own, more="tune: {trainer.value: [0.5, 0.6], with: {replicates: 1}}")


def test_a_value_that_cannot_be_fails_the_run_by_name(told) -> None:
    text = told("data: digits, trainer: {_target_: mylab.train.metrics_alone, value: 97.3}")
    sentence = (
        "trainer=mylab.train.metrics_alone gives test/accuracy = 97.3; it must be from 0 to 1"
    )
    assert f"failed seed=0: {sentence}" in text
    assert f"failed seed=1: {sentence}" in text


def test_where_own_code_gave_up_in_a_run_is_said(told) -> None:
    own = "data: digits, optimizer: {_target_: mylab.parts.Tiring, lr: 0.1}, trainer.epochs: 1"
    text = told(own)
    line = inspect.getsource(Tiring).split("\n").index('            raise ValueError("tired")')
    line += inspect.getsourcelines(Tiring)[1]
    assert f"failed seed=0: ValueError: tired (parts.py, line {line})" in text


def test_what_is_odd_about_data_is_told_before_it_is_trained_on(told, tmp_path: Path) -> None:
    own = "data: {_target_: mylab.data.odd, how: from 1, classes: 4}, model: mlp, trainer.epochs: 1"
    text = told(own)
    note = "note: data=mylab.data.odd: train has no example of class 0, which no network can learn."
    assert text.startswith(note)
    assert text.count("note") == 1


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ("data: {_target_: mylab.data.leaves}", "data=mylab.data.leaves: SystemExit: 3."),
        ("data: {_target_: mylab.data.raises}", "data=mylab.data.raises: ValueError: column"),
        ("data: digits, model: {_target_: mylab.nets.Leaves}",
         "model=mylab.nets.Leaves cannot be made: SystemExit: 3"),
        ("data: digits, loss: {_target_: mylab.parts.tired}",
         "loss=mylab.parts.tired: SystemExit: enough"),
        ("data: digits, optimizer: {_target_: mylab.parts.leaving, lr: 1.0}",
         "optimizer=mylab.parts.leaving fails when tried: SystemExit: enough"),
        ("data: digits, augment: {_target_: mylab.parts.tired}",
         "augment=mylab.parts.tired: SystemExit: enough"),
    ],
)  # fmt: skip
def test_what_own_code_does_wrong_is_said_before_anything_starts(
    own: str, sentence: str, told, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        told(own)
    assert sentence in str(caught.value)
    assert not list(tmp_path.glob("runs/**/result.json"))
