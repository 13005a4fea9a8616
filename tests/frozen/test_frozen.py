"""What version 0.1 wrote is read by every later version, and means the same.

`v0.1/` was made once, by commit d4bcfa6, with `ablate sweep study=NAME.yaml` for each of its three
studies (`parts` with study.aa=true). It is never made anew: a test that fails here has found users'
runs that would be lost or told otherwise. The ledger lies in an archive; of the reports all is kept
that is read back or holds a number.
"""

import json
import shutil
import tarfile
from pathlib import Path

import pandas as pd
import pytest

import ablate
from ablate.cli import main
from ablate.commands.command_line import plan_studies, sort_words
from ablate.config import key
from ablate.study.lockfile import lock_study

FROZEN = Path(__file__).parent / "v0.1"
#: done, n/c, failed
COUNTS = {"every_claim": (18, 6, 0), "parts": (15, 3, 0), "user_code": (4, 0, 2)}
WORDS = {
    "every_claim": ["study=every_claim.yaml"],
    "parts": ["study=parts.yaml", "study.aa=true"],
    "user_code": ["study=user_code.yaml"],
}


@pytest.fixture
def home(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with the frozen studies, ledger and reports."""
    shutil.copytree(FROZEN, tmp_path, dirs_exist_ok=True)
    # Version 0.1 took options that nothing reads. A lock file may have one, a study file no more.
    parts = tmp_path / "parts.yaml"
    parts.write_text(parts.read_text().replace("table: {cost: true}", "table"))
    with tarfile.open(FROZEN / "runs.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # the user's procedure, as in a process started here
    # Which it had. Keys differ in nothing else but for studies that set the probe: a default of it
    # is not in a key, and version 2 has others.
    monkeypatch.setattr(key, "RESULTS_VERSION", 1)
    return tmp_path


def test_status_counts_its_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    counted = {row["study"]: (row["done"], row["not_converged"], row["failed"]) for row in found}
    assert counted == COUNTS
    assert all(row["missing"] == row["stale"] == row["running"] == 0 for row in found)


@pytest.mark.parametrize("study", ["parts", "user_code"])
def test_its_keys_are_those_computed_now(
    study: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the study file to keys of runs: only what failed would be trained."""
    assert main(["plan", "--json", *WORDS[study]]) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    done, not_converged, failed = COUNTS[study]
    assert (planned["done"], planned["not_converged"]) == (done + not_converged, not_converged)
    assert (planned["stale"], planned["to_train"]) == (0, failed)


def test_another_results_version_makes_its_runs_stale(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of other numbers are never mixed: a sweep would train them all again."""
    monkeypatch.setattr(key, "RESULTS_VERSION", key.RESULTS_VERSION + 1)
    assert main(["plan", "--json", *WORDS["parts"]]) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    assert (planned["done"], planned["stale"]) == (0, 18)
    assert planned["to_train"] == planned["runs"]


@pytest.mark.parametrize("source", ["ledger", "frames"])
@pytest.mark.parametrize("study", ["every_claim", "parts"])
def test_load_gives_the_same_runs(study: str, source: str, home: Path) -> None:
    if source == "frames":
        shutil.rmtree(home / "runs")
    before = pd.read_parquet(FROZEN / "reports" / study / "runs.parquet")
    now = ablate.load(study, home)
    pd.testing.assert_frame_equal(now[list(before)], before)  # columns may have been added


def test_declared_again_its_lock_file_says_the_same(home: Path) -> None:
    """A declaration of other text would be a look at the data, and stand on the page as one."""
    folder = home / "runs" / "user_code"
    before = (folder / "study.lock.yaml").read_bytes()
    (start,) = plan_studies(sort_words(WORDS["user_code"]))
    lock_study(folder, start.plan)
    assert (folder / "study.lock.yaml").read_bytes() == before


def test_the_same_sweep_finds_all_done(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is trained; MLflow's store and the report are made from the old ledger."""
    assert main(["sweep", *WORDS["parts"]]) == 0
    assert "nothing to do: all 18 runs are in the ledger" in capsys.readouterr().out
    assert_same_numbers(home, "parts")


def test_a_report_is_made_again_from_the_ledger(home: Path) -> None:
    assert main(["report", "every_claim"]) == 0
    assert_same_numbers(home, "every_claim")


def test_a_report_is_made_from_its_frames_alone(home: Path) -> None:
    """As in a clone without runs; `parts` was declared with an option that nothing reads."""
    shutil.rmtree(home / "runs")
    for path in (home / "reports" / "parts").glob("table-*"):
        path.unlink()
    assert main(["report", "parts"]) == 0
    assert_same_numbers(home, "parts")


def assert_same_numbers(home: Path, study: str) -> None:
    """Compare frames, tables and manifest of a report with the frozen ones, number by number."""
    frozen, now = FROZEN / "reports" / study, home / "reports" / study
    for path in frozen.glob("*.parquet"):
        assert_same(pd.read_parquet(now / path.name), pd.read_parquet(path), path.name)
    for path in frozen.glob("*.csv"):
        assert_same(pd.read_csv(now / path.name), pd.read_csv(path), path.name)
    before, after = (json.loads((f / "manifest.json").read_text()) for f in (frozen, now))
    assert after["cells"] == before["cells"]
    assert after["tables"].keys() == before["tables"].keys()


#: What tests say of the runs: their rules have changed since (see CHANGELOG.md), the runs have not.
JUDGED = {"test", "low", "high", "p", "p_holm", "not_shown_worse", "p_against_best_holm"}
#: What a table of claims says of the runs themselves.
CLAIMED = {"claim", "text", "unit", "margin", "lost", "runs"}


def assert_same(now: pd.DataFrame, before: pd.DataFrame, name: str) -> None:
    # Columns may have been added; of the probe reports keep what they show, to 20 bits; last bits
    # of sums differ from one processor to another.
    kept = [name for name in before if now[name].notna().any() or before[name].isna().all()]
    kept = [column for column in kept if column not in {"histogram", "exponent", *JUDGED}]
    if "verdict" in before:
        kept = [column for column in kept if column in CLAIMED]
    tolerance = {"layers.parquet": 2.0**-20}.get(name, 1e-9)
    pd.testing.assert_frame_equal(now[kept], before[kept], rtol=tolerance, obj=name)
