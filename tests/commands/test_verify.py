"""`ablate verify`: a run trained again is the run that is kept, or the exit code is 1."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from written import change, planned

from ablate import data
from ablate.cli import main
from ablate.commands.kept import kept_run
from ablate.commands.verify import verify
from ablate.errors import ConfigError
from ablate.report.frame import metric_columns, read_frames
from ablate.report.regenerate import regenerate
from ablate.store.ledger import write_run
from ablate.store.provenance import provenance
from ablate.train.loop import train

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture
def trained(root: Path) -> tuple[Path, str]:
    """Train replicate 1 of the second cell in its place; return the root and the run's name."""
    cell = planned(root).plan.cells[1]
    config = cell.config
    (record,) = train(config, data.load(config.data, root, config.seed), [1], "cpu")
    entry = root / "runs" / "wide" / cell.slug / "1"
    key = json.loads((entry / "result.json").read_text())["key"]
    shutil.rmtree(entry)
    facts = provenance("cpu", data.digest(config.data), config.seed)
    write_run(entry, record, config.model_dump(mode="json"), key, facts, "2025-03-01T12:00:00Z")
    return root, f"wide/{cell.slug}/1"


def test_a_run_is_verified_in_the_ledger_and_from_a_report_alone(
    trained: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, run = trained
    regenerate(root, "wide")
    assert main(["verify", run, "--root", str(root)]) == 0
    assert capsys.readouterr().out.startswith(f"{run}: the same bits\n")
    # A clone: reports and no runs.
    shutil.copytree(root / "reports", tmp_path / "clone" / "reports")
    holds, lines = verify(tmp_path / "clone", "wide/width=8/1")
    assert holds
    assert re.fullmatch(r"  all \d+ metrics are the same", lines[1])
    # A number that no training gives.
    metrics = json.loads((root / "runs" / run / "result.json").read_text())["metrics"]
    change(root / "runs" / run, metrics=metrics | {"test/nll": metrics["test/nll"] + 0.5})
    assert main(["verify", run, "--root", str(root)]) == 1
    assert "test/nll" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="has no finished replicate 7"):
        verify(tmp_path / "clone", f"{run[:-2]}/7")


def test_a_metric_needs_no_slash_in_its_name() -> None:
    """The paths of optimizers are measured in `steps`; such runs were verified by nothing."""
    runs = read_frames(REPORTS / "optimizer_paths").runs
    assert "steps" in metric_columns(runs)
    names = metric_columns(read_frames(REPORTS / "quickstart").runs)
    assert {"test/accuracy", "test/loss", "train/loss"} <= set(names)
    assert not {"parameters", "seed", "diverged_at_step", "status"} & set(names)


def test_the_spread_of_a_cell(root: Path) -> None:
    with kept_run(root, f"wide/{planned(root).plan.cells[0].slug}/0") as kept:
        assert kept.spread["test/accuracy"] == pytest.approx(np.std([0.9, 0.91], ddof=1))
    shutil.rmtree(root / "runs" / kept.name.replace("/0", "/1"))
    with kept_run(root, kept.name) as alone:
        assert alone.spread == {}  # of one run there is none
