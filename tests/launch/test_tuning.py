"""Which tried value a cell is scored with, as long as what was tried can be read."""

import re
from pathlib import Path

import pytest

from ablate.commands.command_line import plan_studies, sort_words
from ablate.errors import ConfigError
from ablate.launch.missing import scored_work, tuning_work
from ablate.launch.tuning import choose
from ablate.records import Record
from ablate.store.ledger import write_run
from ablate.streams import TUNING_REPLICATES_START
from ablate.study.plan import Plan

STUDY = """\
question: Which rate?
baseline: {data: synthetic}
factors: {depth: {key: model.depth, levels: [1]}}
tune: {optimizer.lr: [0.01, 0.1], with: {replicates: 1, by: validation/accuracy}}
replicates: 1
report: [table]
"""
#: Accuracies of two values in three tuning runs: each run likes another one best, 0.1 on average.
TRIED = {0.01: (0.9, 0.5, 0.6), 0.1: (0.7, 0.8, 0.7)}


def planned(folder: Path, tune: str, *words: str, replicates: int = 3) -> Plan:
    text = STUDY.replace("replicates: 1, by", f"{tune}by")
    (folder / "s.yaml").write_text(text.replace("\nreplicates: 1", f"\nreplicates: {replicates}"))
    given = [f"study={folder / 's.yaml'}", f"paths.root={folder}", *words]
    (start,) = plan_studies(sort_words(given))
    return start.plan


def write_tuning(plan: Plan, folder: Path) -> None:
    for work in tuning_work(plan, folder, "cpu"):
        scores = TRIED[work.config.optimizer.lr]
        for task, accuracy in zip(work.tasks, scores, strict=True):
            record = Record({"validation/accuracy": accuracy}, seconds=1.0)
            write_run(task.directory, record, {"a": 1}, task.key, {}, "2025-03-01T12:00:00Z")


def test_a_nested_replicate_has_the_value_that_its_own_tuning_run_chose(tmp_path: Path) -> None:
    plan = planned(tmp_path, "")
    assert plan.study.tune is not None
    assert plan.study.tune.nested
    write_tuning(plan, tmp_path)
    (slug,) = (cell.slug for cell in plan.cells)
    assert choose(plan, tmp_path) == {slug: (0.01, 0.1, 0.1)}
    works = scored_work(plan, tmp_path, "cpu")
    assert [work.config.optimizer.lr for work in works] == [0.01, 0.1]
    places = [[task.directory for task in work.tasks] for work in works]
    folder = tmp_path / "runs" / "s" / slug
    assert places == [[folder / "0"], [folder / "1", folder / "2"]]
    streams = {task.replicate for work in tuning_work(plan, tmp_path, "cpu") for task in work.tasks}
    assert streams == {TUNING_REPLICATES_START + r for r in range(3)}


def test_a_shared_choice_is_that_of_the_mean(tmp_path: Path) -> None:
    plan = planned(tmp_path, "replicates: 3, ", replicates=2)
    write_tuning(plan, tmp_path)
    (slug,) = (cell.slug for cell in plan.cells)
    assert choose(plan, tmp_path) == {slug: (0.1, 0.1)}
    (work,) = scored_work(plan, tmp_path, "cpu")
    nested = scored_work(planned(tmp_path, ""), tmp_path, "cpu")
    same = {task.key for own in nested for task in own.tasks} & {task.key for task in work.tasks}
    assert len(same) == 1  # replicate 1 at 0.1: how the value was chosen is no part of a key


@pytest.mark.parametrize(
    ("said", "replicates", "nested", "runs"),
    [
        ("", 10, True, 10),
        ("", 11, False, 10),
        ("nested: false, ", 6, False, 10),
        ("nested: true, ", 20, True, 20),
        ("replicates: 3, ", 6, False, 3),
    ],
)
def test_what_is_not_said_is_nested_where_that_costs_no_more_than_ten_shared(
    tmp_path: Path, said: str, replicates: int, nested: bool, runs: int
) -> None:
    study = planned(tmp_path, said, replicates=replicates).study
    assert study.tune is not None
    assert study.tune.nested is nested
    assert study.tuning_replicates == runs


def test_nested_with_a_number_of_replicates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tune\.with: replicates=4 is not allowed with nested"):
        planned(tmp_path, "nested: true, replicates: 4, ")


@pytest.mark.parametrize(("tune", "own"), [("", 6), ("replicates: 3, ", 0)])
def test_a_control_is_tuned_as_its_original_is(tmp_path: Path, tune: str, own: int) -> None:
    """Nested: by tuning runs of its own; else it has the value that its original has."""
    plan = planned(tmp_path, tune, "study.aa=true")
    *_, control = plan.cells
    assert control.config.control
    tasks = [task for work in tuning_work(plan, tmp_path, "cpu") for task in work.tasks]
    assert sum(control.slug in task.directory.parts for task in tasks) == own
    assert plan.tuning_runs == len(tasks) == 6 + own
    write_tuning(plan, tmp_path)
    chosen = choose(plan, tmp_path)
    assert len(chosen) == 2
    assert len(set(chosen.values())) == 1


OWN = """\
question: Which rate?
baseline: {data: synthetic, trainer: {_target_: mylab.train.metrics_alone}}
factors: {depth: {key: model.depth, levels: [1, 2, 3]}}
metric: {name: steps, better: lower}
tune: {optimizer.lr: [0.01, 0.1, 1], with: {replicates: 2, by: cost, only: {depth: [1, 2]}}}
replicates: 2
report: [table]
"""


def own(folder: Path, text: str = OWN) -> Plan:
    (folder / "s.yaml").write_text(text)
    (start,) = plan_studies(sort_words([f"study={folder / 's.yaml'}", f"paths.root={folder}"]))
    return start.plan


def test_a_procedure_is_tuned_by_what_it_reports_and_only_where_it_is_said(tmp_path: Path) -> None:
    plan = own(tmp_path)
    one, two, three = plan.cells
    assert plan.tuned_cells == (one, two)
    assert plan.tuning_runs == 2 * 3 * 2
    # Means of the first are 3, 2 and 4; of the second 1 is best, the others say nothing at times.
    costs = {1: ((3, 3), (1, 3), (4, 4)), 2: ((0, None), (None, None), (9, 9))}
    works = tuning_work(plan, tmp_path, "cpu")
    for work, tried in zip(works, (*costs[1], *costs[2]), strict=True):
        for task, cost in zip(work.tasks, tried, strict=True):
            # What did not converge counts as what it reports: all of them do not.
            metrics = {} if cost is None else {"cost": float(cost)}
            record = Record(metrics, seconds=1.0, nc_reason="no_progress")
            write_run(task.directory, record, {"a": 1}, task.key, {}, "2025-03-01T12:00:00Z")
    assert choose(plan, tmp_path) == {one.slug: (0.1, 0.1), two.slug: (1.0, 1.0)}
    rates = {work.name: work.config.optimizer.lr for work in scored_work(plan, tmp_path, "cpu")}
    assert rates == {one.name: 0.1, two.name: 1.0, three.name: three.config.optimizer.lr}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("by: cost", "by: gap/loss", "tune.with: by=gap/loss is not allowed; allowed are "),
        ("mylab.train.metrics_alone", "ablate.lessons.descent.follow, surface: beale, start: [1, 1]",
         "by=cost is not allowed: no run reports it; allowed are validation/loss, "),
        ("trainer: {_target_: mylab.train.metrics_alone}", "model: mlp",
         "by=cost is not allowed: no run reports it; allowed are validation/loss or "),
        ("depth: [1, 2]}", "depth: [4]}", "tune.with: only: depth has no level '4'; it has 1, 2"),
        ("only: {depth", "only: {width", "tune.with: only: there is no factor 'width'; allowed are depth"),
    ],
    ids=["of the test set", "not of the lesson", "not of a network", "no level", "no factor"],
)  # fmt: skip
def test_tuning_by_what_is_not_there_is_refused(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    text = OWN.replace(old, new)
    if "metrics_alone" in old and "follow" not in new:
        text = text.replace("metric: {name: steps, better: lower}\n", "")
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        own(tmp_path, text)


def test_a_tuning_run_that_is_damaged_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY)
    words = sort_words([f"study={tmp_path / 's.yaml'}", f"paths.root={tmp_path}"])
    (start,) = plan_studies(words)
    (slug,) = (cell.slug for cell in start.plan.cells)
    tried = [task for work in tuning_work(start.plan, tmp_path, "cpu") for task in work.tasks]
    for task, accuracy in zip(tried, (0.5, 0.9), strict=True):
        record = Record({"validation/accuracy": accuracy}, seconds=1.0)
        write_run(task.directory, record, {"a": 1}, task.key, {}, "2025-03-01T12:00:00Z")
    assert choose(start.plan, tmp_path) == {slug: (0.1,)}
    path = tried[0].directory / "result.json"
    path.write_text(path.read_text().replace("0.5", "0.99"))
    assert choose(start.plan, tmp_path) == {}
    works = tuning_work(start.plan, tmp_path, "cpu")
    assert [len(work.missing) for work in works] == [1, 0]
