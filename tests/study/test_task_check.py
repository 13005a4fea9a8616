"""Studies whose runs predict something else than classes: what they compare, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablate.commands.command_line import plan_studies, sort_words
from ablate.errors import ConfigError

STUDY = """\
question: Does width matter?
baseline: {{data: {data}, trainer.epochs: 1{more}}}
factors: {{width: {{key: model.width, levels: [4, 8]}}}}
replicates: 2
{rest}
"""


def plan(folder: Path, data: str = "friedman", more: str = "", rest: str = "report: [table]"):
    path = folder / "mine.yaml"
    path.write_text(STUDY.format(data=data, more=more, rest=rest))
    (start,) = plan_studies(sort_words([f"study={path}"]))
    return start.plan


@pytest.mark.parametrize(
    ("data", "more", "metric", "task"),
    [
        ("friedman", "", "test/r2", "regression"),
        ("diabetes", "", "test/r2", "regression"),
        ("digits", "", "test/accuracy", "classification"),
        ("{_target_: mylab.data.tags}", "", "test/f1", "multilabel"),
    ],
)
def test_a_study_compares_what_its_task_watches(tmp_path, data, more, metric, task) -> None:
    study = plan(tmp_path, data, more).study
    assert (study.metric.name, study.metric.better, study.task) == (metric, "higher", task)
    told = study.as_declared()["metric"]
    assert ("task" in told) is (task != "classification")


def test_units_are_those_of_the_task(tmp_path: Path) -> None:
    def unit(data: str) -> tuple[str, str, str]:
        metric = plan(tmp_path, data, rest="metric: test/loss\nreport: [table]").study.metric
        return metric.unit, metric.title, metric.watched

    assert unit("digits") == ("nats", "test loss", "validation/accuracy")
    assert unit("friedman") == ("", "test loss", "validation/r2")
    assert unit("{_target_: mylab.data.tags}") == ("nats", "test loss", "validation/f1")
    assert plan(tmp_path).study.metric.title == "test R²"


OWN = ", task: {_target_: mylab.tasks.Grades}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rest": "metric: test/nll\nreport: [table]"},
         "metric test/nll is not measured for task=regression; allowed are test/loss, test/mae"),
        ({"more": ", loss.label_smoothing: 0.1"}, "loss.label_smoothing=0.1 is of classifiers"),
        ({"more": ", data.label_noise: 0.1"}, "data.label_noise=0.1 is of classifiers"),
        ({"more": ", ensemble: seeds, ensemble.combine: vote"},
         "metric test/r2 is not measured|ensemble.combine=vote is of classifiers"),
        ({"more": ", stopping: patience, stopping.monitor: validation/accuracy"},
         "stopping.monitor=validation/accuracy is not allowed with task=regression; allowed are "
         "validation/loss or validation/r2"),
        ({"more": ", schedule: plateau, schedule.monitor: validation/f1"},
         "schedule.monitor=validation/f1 is not allowed with task=regression"),
        ({"data": "digits", "more": ", task: regression"},
         "task=regression is not allowed with data=digits, which is for classification"),
        ({"data": "digits", "more": ", heads: others"},
         "heads=others is not allowed with data=digits, which has one target; allowed are mnist_pa"),
        ({"data": "{_target_: mylab.data.grades}"},
         "data=mylab.data.grades is for a task of your own, which has to be named"),
        ({"rest": "report: [reliability_diagram]"},
         "reliability_diagram is of classifiers, and what these runs predict is regression"),
        ({"rest": "tune: {optimizer.lr: [0.1, 0.01], with: {by: validation/accuracy}}\nreport: []"},
         "by=validation/accuracy is not allowed"),
        ({"rest": "claims: {w: {text: Wide., compare: {width: [8, 4]}, expect: greater, "
                  "metric: test/accuracy}}\nreport: []"}, "test/accuracy"),
    ],
)  # fmt: skip
def test_what_the_task_does_not_have_is_refused(tmp_path: Path, given, said: str) -> None:
    pattern = "|".join(map(re.escape, said.split("|")))
    with pytest.raises(ConfigError, match=pattern):
        plan(tmp_path, **given)


def test_cells_of_two_tasks_are_no_study(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "question: Which?\nbaseline: {}\nfactors: {data: {key: data, levels: [digits, diabetes]}}\n"
        "replicates: 2\nreport: [table]\n"
    )
    with pytest.raises(ConfigError, match="the cells of a study have one task"):
        plan_studies(sort_words([f"study={path}"]))


def test_the_error_may_be_a_factor(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "question: Which error?\nbaseline: {data: friedman, task: regression}\n"
        "factors: {error: {key: task.error, levels: [squared, absolute]}}\n"
        "replicates: 2\nreport: [table]\n"
    )
    (start,) = plan_studies(sort_words([f"study={path}"]))
    assert [cell.config.task.error for cell in start.plan.cells] == ["squared", "absolute"]


def test_a_task_of_ones_own_and_its_metric(tmp_path: Path) -> None:
    rest = "metric: {name: test/mean_miss, better: lower}\nreport: [table, learning_curves]"
    study = plan(tmp_path, "{_target_: mylab.data.grades}", OWN, rest).study
    assert study.task == "mylab.tasks.Grades"
    assert study.metric.watched == "validation/mean_miss"


@pytest.mark.parametrize(
    ("data", "heads", "metric"),
    [
        ("digits_pairs", "others", "test/second/accuracy"),
        ("{_target_: mylab.data.shapes}", "others", "test/radius/r2"),
        ("digits", "reconstruction", "test/reconstruction/error"),
    ],
)
def test_a_claim_may_be_about_what_heads_predict(tmp_path, data, heads, metric) -> None:
    claim = f"w: {{text: Wide., compare: {{width: [8, 4]}}, expect: greater, metric: {metric}}}"
    rest = f"claims: {{{claim}}}\nreport: []"
    (found,) = plan(tmp_path, data, f", heads: {heads}", rest).study.claims
    assert str(found.metric) == metric
    with pytest.raises(ConfigError, match=f"metric {metric}: no run reports it"):
        plan(tmp_path, data, "", rest)
