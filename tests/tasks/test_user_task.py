"""A task of one's own: what it must have, and what is usual where it says nothing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import mylab.tasks
from ablate.config.target import Target
from ablate.errors import AblateError, ConfigError
from ablate.tasks.user_task import UserTask

OUTPUTS = np.array([[2.0, -1.0, -3.0], [1.0, 1.0, 1.0]], dtype=np.float32)
GRADES = np.array([1, 2])


def task(name: str = "Grades") -> UserTask:
    return UserTask(Target(target=f"mylab.tasks.{name}"))


def test_it_is_asked_for_what_it_says() -> None:
    own = task()
    assert own.watched == "mean_miss"
    assert own.outputs(torch.tensor([0, 3, 1]), 0) == 3
    scores = own.scores(OUTPUTS, GRADES)
    assert (scores["mean_miss"], scores["exact"]) == (0.5, 0.5)
    given, targets = torch.from_numpy(OUTPUTS)[None], torch.from_numpy(GRADES)[None]
    loss = own.loss(given, targets)
    assert loss.shape == (1,)
    assert float(loss) == pytest.approx(scores["loss"], rel=1e-6)  # float32 and float64
    assert float(own.total(given, targets)) == pytest.approx(2 * scores["loss"], rel=1e-6)
    assert own.learnt(scores, np.array([0, 3, 0, 3]))
    assert not own.learnt({"mean_miss": 1.5}, np.array([0, 3, 0, 3]))


def test_what_is_usual() -> None:
    own = task()
    np.testing.assert_array_equal(own.combine(OUTPUTS[None].repeat(2, 0), "average"), OUTPUTS)
    assert own.ensemble_scores(OUTPUTS[None], GRADES, "average")["test/exact"] == 0.5
    assert own.scores(np.full_like(OUTPUTS, np.nan), GRADES) == {}
    with pytest.raises(ConfigError, match="vote is of classifiers"):
        own.combine(OUTPUTS[None], "vote")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("WithoutScores", "task=mylab.tasks.WithoutScores has no function 'scores'; a task needs"),
        ("Nowhere", "mylab.tasks has no 'Nowhere'"),
    ],
)
def test_what_is_no_task_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        task(name)


def test_scores_without_a_loss_are_refused() -> None:
    with pytest.raises(AblateError, match="scores gives mean_miss, and no loss"):
        task("WithoutLoss").scores(OUTPUTS, GRADES)


def test_what_theirs_raises_is_said_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such grade")

    monkeypatch.setattr(mylab.tasks.Grades, "scores", broken)
    with pytest.raises(ConfigError, match=r"task=mylab.tasks.Grades: ValueError: no such grade"):
        task().scores(OUTPUTS, GRADES)


def test_the_page_shows_the_task_that_is_tested_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-code.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(import numpy.*?class Grades.*?)```", page, re.DOTALL)

    def code(text: str) -> list[str]:
        lines = (line.partition("  #")[0].rstrip() for line in text.splitlines())
        return [line for line in lines if line]

    tested = Path(mylab.tasks.__file__).read_text(encoding="utf-8")
    own = tested[tested.index("import numpy") : tested.index("class WithoutScores")]
    assert code(shown) == code(own)
