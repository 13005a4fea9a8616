"""What `plan` accepts can be reported: no study is found out when everything is trained."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from called import checked
from examples import few_and_many, tries
from hypothesis import given
from test_study_files import TREES
from trees import changed
from written import a_record

from ablate import data
from ablate.commands.command_line import plan_studies, sort_words
from ablate.launch.missing import scored_work, tuning_work
from ablate.launch.sweep import declare
from ablate.store.ledger import write_run
from ablate.study.plan import Plan

Lab = Callable[[], Path]

#: Beside an accepted study of more cells no ledger is written.
MOST_CELLS = 12
SMALL = [{**tree, "replicates": 2} for tree in TREES]


def write_runs(plan: Plan, root: Path) -> None:
    """Write every run that a sweep of the plan would train, tuning first."""
    for work in [*tuning_work(plan, root, "cpu"), *scored_work(plan, root, "cpu")]:
        _write(work)
    scored = scored_work(plan, root, "cpu")  # tuned by now
    for work in scored:
        _write(work)
    declare(plan, root, (tuning_work(plan, root, "cpu"), scored), "cpu")


def _write(work: Any) -> None:
    facts = {
        "commit": "c0ffee", "dirty": False, "versions": {"torch": "2.6.0"}, "device": "cpu",
        "cpu": "a CPU", "data_digest": data.digest(work.config.data), "seed": work.config.seed,
    }  # fmt: skip
    config = work.config.model_dump(mode="json")
    for task in work.missing:
        accuracy = 0.5 + (len(work.name) % 97) / 250 + task.replicate % 7 / 100
        record = a_record(accuracy)
        metrics = {
            **record.metrics,
            "validation/accuracy": accuracy,
            "validation/loss": 1 - accuracy,
        }
        record = a_record(accuracy, metrics=metrics)
        write_run(task.directory, record, config, task.key, facts, "2025-03-01T12:00:00Z")


@few_and_many
def test_an_accepted_study_is_reported(lab: Lab, times: int) -> None:
    @tries(15, times)
    @given(changed(SMALL))
    def holds(content: Any) -> None:
        root = lab()
        text = yaml.dump(content, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False)
        try:
            (root / "mine.yaml").write_text(text, encoding="utf-8")
        except UnicodeEncodeError:
            return
        if checked(root, "plan", "study=mine.yaml").code != 0:
            return
        (start,) = plan_studies(sort_words([f"study={root / 'mine.yaml'}"]))
        if len(start.plan.cells) > MOST_CELLS or start.plan.study.replicates > 4:
            return
        write_runs(start.plan, root)
        shutil.rmtree(root / "reports")
        ended = checked(root, "report", "mine")
        assert ended.code in (0, 1), ended
        assert (root / "reports" / "mine" / "README.md").exists(), ended

    holds()
