"""plan, explain, trace, clean and new: what is there, what is asked for, and why they differ."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from statsmodels.stats.power import TTestPower

from ablate.cli import main
from ablate.commands.clean import stale_runs
from ablate.commands.command_line import Start, plan_studies, sort_words
from ablate.commands.explain import explain
from ablate.commands.plan import lines, planned
from ablate.commands.trace import trace
from ablate.commands.verify import verify
from ablate.config import Launch
from ablate.errors import ConfigError
from ablate.launch.sweep import sweep
from ablate.report.regenerate import regenerate
from ablate.store.find import find_run
from ablate.store.result import read_result

STUDY = """\
question: Does width matter?
baseline:
  data: synthetic
  data.train_examples: 300
  data.test_examples: 80
  data.validation_size: 50
  data.separation: 3.0
  trainer.batch_size: 32
  trainer.epochs: {epochs}
  probe.steps: "off"
factors: {{width: {{key: model.width, levels: {widths}}}}}
replicates: 2
claims:
  wide: {{text: Wide is better., compare: {{width: [8, 4]}}, expect: greater}}
report: [table]
"""


def write(root: Path, widths: str = "[4, 8]", epochs: int = 5) -> Start:
    (root / "wide.yaml").write_text(STUDY.format(widths=widths, epochs=epochs))
    words = [f"study={root / 'wide.yaml'}", f"paths.root={root}", "study.name=wide"]
    return plan_studies(sort_words(words), quick=False)[0]


def swept(start: Start) -> None:
    console = Console(quiet=True)
    assert sweep(start.plan, start.root, Launch(workers=1), console, lambda *_: None) == 0
    regenerate(start.root, "wide")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wide")
    before = planned(write(root))
    assert (before.runs, before.done, before.to_train, before.seconds) == (4, 0, 4, None)
    assert not (root / "runs").exists()  # nothing is written
    swept(write(root))
    return root


def test_a_plan_counts_what_is_there_and_how_long_the_rest_takes(root: Path) -> None:
    found = planned(write(root))
    assert (found.done, found.stale, found.to_train) == (4, 0, 0)
    more = write(root, "[4, 8, 16]")
    found = planned(more)
    assert (found.runs, found.done, found.to_train) == (6, 4, 2)
    assert found.seconds is not None
    text = "\n".join(lines(more, found))
    assert "3 cells × 2 replicates = 6 runs" in text
    assert "width (model.width): 4, 8, 16" in text
    assert "verdicts are withheld" in text
    write(root)


@pytest.mark.parametrize(("n", "alpha"), [(6, 0.05), (10, 0.01)])
def test_what_pairs_reach_is_statsmodels_power(n: int, alpha: float) -> None:
    from ablate.commands.plan import _reach

    expected = TTestPower().solve_power(None, nobs=n, alpha=alpha, power=0.8)
    # statsmodels counts in the power of the wrong side, which is nothing here.
    assert _reach(n, alpha) == pytest.approx(expected, rel=1e-4)


def test_explain_names_the_fields_that_differ(root: Path) -> None:
    start = write(root)
    cell = start.plan.cells[0]
    (line,) = [text for text in explain(root, f"wide/{cell.slug}/1") if text.startswith("current")]
    key = read_result(root / "runs" / "wide" / cell.slug / "1").key
    assert key[:12] in line
    # Another test set: other numbers at the same place, once the sweep goes on.
    entry = root / "runs" / "wide" / cell.slug / "1"
    config = (entry / "config.yaml").read_text()
    result = (entry / "result.json").read_text()
    try:
        (entry / "config.yaml").write_text(config.replace("epochs: 5", "epochs: 3"))
        (entry / "result.json").write_text(result.replace(key, "0" * 64))
        told = "\n".join(explain(root, "000000000000"))
        assert "stale" in told
        assert "trainer.epochs: 3 then, the default now" in told
        (entry / "config.yaml").write_text(config)
        assert "nothing that the config says: the results version is another" in "\n".join(
            explain(root, "0" * 12)
        )
    finally:
        (entry / "config.yaml").write_text(config)
        (entry / "result.json").write_text(result)


def test_a_run_is_found_by_place_or_digits_of_its_key(root: Path) -> None:
    cells = write(root).plan.cells
    assert find_run(root, f"wide/{cells[1].slug}/0").cell.slug == cells[1].slug
    assert find_run(root, f"wide/{cells[1].slug[:7]}/0").cell.slug == cells[1].slug
    key = read_result(root / "runs" / "wide" / cells[0].slug / "1").key
    assert find_run(root, key[:8]).replicate == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["explain", "abc"], "names no run: write study/cell/replicate"),
        (["explain", "ffffffffff"], "no run has a key that begins with"),
        (["explain", "wide/nothing/0"], "no cells of study 'wide' begin with 'nothing'"),
        (["explain", "wide/width/0"], "2 cells of study 'wide' begin with 'width'"),
        (["explain", "wide/width=4/7"], "no replicate 7; allowed are 0 to 1"),
        (["explain", "narrow/a/0"], "study 'narrow' has no runs here"),
        (["trace", "narrow", "table 1"], "there is no report of study 'narrow'"),
        (["trace", "wide", "table 1", "5"], "has no row or column '5'"),
        (["trace", "wide", "table 1"], "2 cells of table-1 fit; name row and column"),
        (["plan"], "needs a study"),
        (["new", "a/b"], "is no name for a study"),
    ],
)
def test_slips(
    root: Path, words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(root)
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


def test_a_run_is_verified_in_the_ledger_and_from_a_report_alone(
    root: Path, tmp_path: Path
) -> None:
    start = write(root)
    cell = start.plan.cells[1]
    same = verify(root, f"wide/{cell.slug}/1")
    assert (same.holds, same.lines[0]) == (True, f"wide/{cell.slug}/1: the same bits")
    # A clone: reports and no runs.
    shutil.copytree(root / "reports", tmp_path / "reports")
    by_value = verify(tmp_path, f"wide/{cell.slug[:7]}/1")
    assert by_value.holds
    assert re.fullmatch(r"  all \d+ metrics are the same", by_value.lines[1])
    # A number that no training gives.
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    path = copy / "runs" / "wide" / cell.slug / "1" / "result.json"
    result = json.loads(path.read_text())
    result["metrics"]["test/nll"] += 0.5
    path.write_text(json.dumps(result))
    wrong = verify(copy, f"wide/{cell.slug}/1")
    assert not wrong.holds
    assert any("test/nll" in line for line in wrong.lines)
    with pytest.raises(ConfigError, match="has no finished replicate 7"):
        verify(tmp_path, f"wide/{cell.slug}/7")


def test_a_number_leads_to_its_runs(root: Path) -> None:
    told = list(trace(root, "wide", ["table 1", "8"]))
    assert told[0].startswith("table-1, 8, test accuracy (%): ")
    assert "model.width=8" in told[2]
    values = [float(re.search(r"accuracy\s+(\S+)", line)[1]) for line in told[3:]]
    mean = float(re.search(r": ([\d.]+) ±", told[0])[1])
    assert 100 * np.mean(values) == pytest.approx(mean, abs=0.6)  # as it is printed


def test_clean_removes_what_no_study_asks_for(root: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(root)
    assert stale_runs(root) == []
    swept(write(root, "[4, 8, 16]"))
    swept(write(root))
    (gone,) = stale_runs(root)
    assert gone.path.name.startswith("width=16")
    assert main(["clean", "--stale", "--dry-run"]) == 0
    assert gone.path.exists()
    assert main(["clean", "--stale"]) == 0
    assert not gone.path.exists()
    assert "removed" in capsys.readouterr().out


def test_check_tries_every_cell_and_its_exit_code_says_whether_all_held(
    root: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setattr("ablate.train.prepare_process", lambda threads: None)  # as conftest has it
    write(root)
    assert main(["check", "study=wide.yaml", "model.width=64,128"]) == 0
    told = capsys.readouterr().out
    assert told.count("fits 100% of 50") == 2
    assert main(["check", "study=wide.yaml", "optimizer.lr=1e-9"]) == 1
    assert "! " in capsys.readouterr().out
    assert main(["check", "study=wide.yaml", "data.train_size=999"]) == 2


def test_a_new_study_can_be_planned_as_it_is(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine"]) == 0
    assert main(["new", "mine"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["plan", "study=mine.yaml", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["study"], plan["runs"], plan["claims"]) == ("mine", 36, 2)
