"""Which tried value a cell is scored with, as long as what was tried can be read."""

from pathlib import Path

from ablate.commands.command_line import plan_studies, sort_words
from ablate.launch.missing import tuning_work
from ablate.launch.tuning import choose
from ablate.records import Record
from ablate.store.ledger import write_run

STUDY = """\
question: Which rate?
baseline: {data: synthetic}
factors: {depth: {key: model.depth, levels: [1]}}
tune: {optimizer.lr: [0.01, 0.1], with: {replicates: 1, by: validation/accuracy}}
replicates: 1
"""


def test_a_tuning_run_that_is_damaged_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY)
    words = sort_words([f"study={tmp_path / 's.yaml'}", f"paths.root={tmp_path}"])
    (start,) = plan_studies(words, quick=False)
    (slug,) = (cell.slug for cell in start.plan.cells)
    tried = [task for work in tuning_work(start.plan, tmp_path, "cpu") for task in work.tasks]
    for task, accuracy in zip(tried, (0.5, 0.9), strict=True):
        record = Record({"validation/accuracy": accuracy}, seconds=1.0)
        write_run(task.directory, record, {"a": 1}, task.key, {}, "2025-03-01T12:00:00Z")
    assert choose(start.plan, tmp_path) == {slug: 0.1}
    path = tried[0].directory / "result.json"
    path.write_text(path.read_text().replace("0.5", "0.99"))
    assert choose(start.plan, tmp_path) == {}
    works = tuning_work(start.plan, tmp_path, "cpu")
    assert [len(work.missing) for work in works] == [1, 0]
