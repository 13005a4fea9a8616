"""Ensembles in a sweep: members are trained once, and another size trains nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ablate.commands.command_line import Start, plan_studies, sort_words
from ablate.config import Local
from ablate.config.ensemble import NoEnsemble
from ablate.config.validate import run_config
from ablate.errors import AblateError
from ablate.launch.ensemble_run import form
from ablate.launch.members import member_numbers, training_config
from ablate.launch.missing import member_work, scored_work
from ablate.launch.sweep import sweep
from ablate.store.cell import LedgerCell
from ablate.tasks.classification import Classification
from whole_run import read_run

STUDY = """\
question: What does another member buy?
baseline:
  data: synthetic
  data.train_examples: 300
  data.test_examples: 80
  data.validation_size: 50
  data.separation: 0.4
  model.width: 16
  trainer.epochs: 2
  trainer.batch_size: 32
  ensemble: seeds
factors:
  k: {{key: ensemble.size, levels: {sizes}}}
  combine: {{key: ensemble.combine, levels: [average, vote]}}
replicates: 2
report: [table]
"""


def planned(root: Path, sizes: list[int], *words: str) -> Start:
    (root / "kin.yaml").write_text(STUDY.format(sizes=sizes))
    text = [f"study={root / 'kin.yaml'}", f"paths.root={root}", "study.name=kin", *words]
    return plan_studies(sort_words(text))[0]


class Told:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def open(self) -> None:
        self.ended = []

    def run_ended(self, cell: LedgerCell, replicate: int) -> None:
        self.ended.append(f"{cell.name} {replicate}")

    def close(self) -> str | None:
        return None


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kin")
    first, second = Told(), Told()
    start = planned(root, [1, 3])
    done = sweep(start.plan, root, Local(workers=1), Console(quiet=True), (first, second))
    assert (done.failed, done.ended) == (0, 8)
    assert first.ended == second.ended == [
        f"k={k} · combine={how} {r}" for k in (1, 3) for how in ("average", "vote") for r in (0, 1)
    ]  # fmt: skip
    return root


def test_members_are_shared_between_cells(root: Path) -> None:
    assert len(list(root.glob("runs/kin/members/*/*/*/result.json"))) == 2 * 3
    assert len(list(root.glob("runs/kin/k=*/*/result.json"))) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("sizes", "formed", "trained"),
    [
        ([1, 3], 0, set()),
        ([1, 2, 3], 4, set()),
        ([1, 2, 3, 4, 5], 12, {(0, 3), (0, 4), (1, 3), (1, 4)}),
    ],
)
def test_a_smaller_ensemble_trains_nothing_and_a_larger_one_only_what_is_new(
    root: Path, sizes: list[int], formed: int, trained: set[tuple[int, int]]
) -> None:
    start = planned(root, sizes)
    scored = scored_work(start.plan, root, "cpu")
    assert sum(len(work.missing) for work in scored) == formed
    members = [
        task for work in member_work(scored, start.plan, root, "cpu") for task in work.missing
    ]
    assert {(task.replicate, task.member) for task in members} == trained
    assert len(members) == len(trained)  # each once, whoever needs it


def test_one_member_is_the_plain_run(root: Path) -> None:
    start = planned(root, [1, 3])
    cell = start.plan.cells[0]
    alone = read_run(root / "runs" / "kin" / cell.slug / "0")
    member = read_run(next(root.glob("runs/kin/members/*/0/0")))
    assert alone is not None
    assert member is not None
    # Formed from stored float16 logits, the plain run is scored on float32.
    for name in ("nll", "brier", "ece"):
        near = member.result.metrics[f"test/{name}"]
        assert alone.result.metrics[f"test/{name}"] == pytest.approx(near, rel=2e-3, abs=1e-4)
    assert alone.result.metrics["test/accuracy"] == member.result.metrics["test/accuracy"]


def test_the_ensemble_law_holds_on_what_was_trained(root: Path) -> None:
    """Brier of the average = v/k + (k - 1) c/k, to 1e-8 on real predictions."""
    for cell in planned(root, [1, 3]).plan.cells:
        if cell.levels["combine"] == "vote" or cell.levels["k"] == "1":
            continue
        for replicate in (0, 1):
            path = root / "runs" / "kin" / cell.slug / str(replicate) / "result.json"
            metrics = json.loads(path.read_text())["metrics"]
            law = metrics["members/brier"] / 3 + 2 * metrics["members/covariance"] / 3
            assert metrics["test/brier"] == pytest.approx(law, abs=1e-8)


def test_a_run_of_an_ensemble_is_a_run_like_any_other(root: Path) -> None:
    cell = planned(root, [1, 3]).plan.cells[2]
    run = read_run(root / "runs" / "kin" / cell.slug / "1")
    one = read_run(root / "runs" / "kin" / planned(root, [1, 3]).plan.cells[0].slug / "1")
    assert run is not None
    assert one is not None
    assert run.result.parameters == 3 * one.result.parameters
    assert run.result.multiply_adds == 3 * one.result.multiply_adds
    assert run.evaluations == ()
    assert run.predictions is not None
    np.testing.assert_allclose(np.exp(run.predictions.astype(float)).sum(1), 1, atol=5e-3)


def test_a_missing_member_is_named(root: Path, tmp_path: Path) -> None:
    config = planned(root, [1, 3]).plan.cells[2].config
    folders = [tmp_path / name for name in "012"]
    with pytest.raises(AblateError, match="a member of this ensemble is missing"):
        form(config, Classification(), folders, np.zeros(80, dtype=np.int64))


BASE = {"data": {"name": "digits"}, "model": {"name": "mlp", "dropout": 0.5},
        "optimizer": {"name": "sgd"}}  # fmt: skip


@pytest.mark.parametrize(
    ("ensemble", "members"),
    [
        ({"name": "none"}, 0),
        ({"name": "seeds", "size": 4}, 4),
        ({"name": "bagging", "size": 4}, 4),
        ({"name": "snapshot", "size": 2, "snapshots": 6}, 1),
        ({"name": "mc_dropout", "size": 7, "passes": 20}, 1),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_size_and_combination_change_no_training(ensemble: dict, members: int) -> None:
    config = run_config({**BASE, "ensemble": ensemble})
    trained = training_config(config)
    assert len(member_numbers(config)) == members
    assert training_config(trained) == trained
    if not isinstance(config.ensemble, NoEnsemble):
        other = run_config({**BASE, "ensemble": {**ensemble, "size": 1, "combine": "vote"}})
        assert training_config(other) == trained
    assert trained.model == config.model
