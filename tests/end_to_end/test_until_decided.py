"""Replicates until decided: what is decided is trained no further, what is open goes on."""

import json
import shutil
from pathlib import Path

import pytest
from warm import ablate

pytestmark = pytest.mark.long  # whole sweeps, a dozen

STUDY = """\
question: Does width matter on small images?
baseline: {data: digits, model: mlp, model.depth: 1, trainer.epochs: 3, probe.steps: "off"}
factors: {width: {key: model.width, levels: [8, 16, 32]}}
replicates: {looks: [6, 8]}
claims:
  wide: {text: Wide is better., compare: {width: [32, 8]}, expect: greater}
  trains: {text: Nine in ten of width 8 train., at: {width: 8}, expect: {converges: 90 %}}
report: [table]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("looks")
    shutil.copy(empty_mlflow, root)
    (root / "mine.yaml").write_text(STUDY)
    return root, sweep(root)


def sweep(root: Path) -> str:
    done = ablate("sweep", "study=mine.yaml", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def counts(root: Path) -> dict[str, int]:
    """Return the runs of each cell by its width."""
    cells = sorted(path for path in (root / "runs" / "mine").glob("width=*"))
    return {
        path.name.split("-")[0].split("=")[1]: len(list(path.glob("*/result.json")))
        for path in cells
    }


def verdicts(root: Path) -> dict[str, str]:
    manifest = json.loads((root / "reports" / "mine" / "manifest.json").read_text())
    return {one["claim"]: one["verdict"] for one in manifest["verdicts"]}


def test_only_what_an_open_claim_needs_goes_on(swept: tuple[Path, str]) -> None:
    root, printed = swept
    assert "look 2 of 2: 8 of at most 8 replicates, 1 of 2 claims open" in printed
    assert counts(root) == {"8": 8, "16": 6, "32": 6}
    assert verdicts(root)["wide"] == "supported"
    # 90 % takes more replicates than there are, whatever they do.
    assert verdicts(root)["trains"].startswith("inconclusive; ")
    page = (root / "reports" / "mine" / "README.md").read_text()
    assert "n = 6 to 8 replicates a cell" in page
    assert "look 1 of 2" in page
    assert "20 of 20 finished" in page
    assert "missing" not in page.split("## How to reproduce")[0]
    assert "looks:\n    - 6\n    - 8" in (root / "runs" / "mine" / "study.lock.yaml").read_text()


def test_the_same_command_has_nothing_to_do(swept: tuple[Path, str]) -> None:
    root, _ = swept
    assert "nothing to do: all 20 runs are in the ledger" in sweep(root)
    status = json.loads(ablate("status", "mine", "--json", cwd=root).stdout)[0]
    assert (status["runs"], status["done"] + status["not_converged"], status["missing"]) == (
        20,
        20,
        0,
    )
    assert (status["replicates"], status["at_most"]) == ([6, 8], 8)
    assert "6 to 8 of at most 8 replicates" in ablate("status", cwd=root).stdout
    assert ablate("report", "mine", "--check", cwd=root).returncode == 0
    assert "0 written" in ablate("sync", "mine", cwd=root).stdout


def test_a_plan_says_what_to_expect(swept: tuple[Path, str]) -> None:
    root, _ = swept
    (plan,) = json.loads(ablate("plan", "study=mine.yaml", "--json", cwd=root).stdout)
    assert (plan["runs"], plan["done"], plan["to_train"], plan["looks"]) == (20, 20, 0, [6, 8])
    expected = plan["expected"]
    assert 18 <= min(expected.values()) <= max(expected.values()) <= 24
    assert expected["nothing differs"] > expected["effects are 2 sd"]


def test_a_plan_takes_the_deviation_from_the_runs_that_are_there(
    swept: tuple[Path, str], tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(swept[0], again)
    # A hundred points are so many deviations that every claim is decided at once.
    for points, named in (("1", "1 point"), ("100", "100 points")):
        (again / "mine.yaml").write_text(f"{STUDY}smallest_effect: {points}\n")
        (plan,) = json.loads(ablate("plan", "study=mine.yaml", "--json", cwd=again).stdout)
        sizes = ["nothing differs", f"effects are {named}", "effects are twice that"]
        assert list(plan["expected"]) == sizes
    assert plan["expected"]["effects are 100 points"] == 18
    assert "until claims are decided" in ablate("plan", "study=mine.yaml", cwd=again).stdout


def test_a_sweep_that_was_cut_short_goes_on_where_it_was(
    swept: tuple[Path, str], tmp_path: Path
) -> None:
    root, _ = swept
    again = tmp_path / "again"
    shutil.copytree(root, again)
    (cell,) = again.glob("runs/mine/width=8-*")
    whole = {path: path.read_bytes() for path in again.glob("runs/mine/*/*/metrics.jsonl")}
    shutil.rmtree(cell / "7")
    printed = sweep(again)
    assert "20/20 runs" in printed
    assert {path: path.read_bytes() for path in whole} == whole
    # As if it had ended behind the first look.
    index = json.loads((again / "runs" / "mine" / "index.json").read_text())
    assert [one["replicates"] for one in index["cells"]] == [8, 6, 6]
    (again / "runs" / "mine" / "index.json").unlink()
    for number in ("6", "7"):
        shutil.rmtree(cell / number)
    assert "look 2 of 2" in sweep(again)
    assert {path: path.read_bytes() for path in whole} == whole


def test_a_fixed_number_on_the_command_line_asks_it_of_all(
    swept: tuple[Path, str], tmp_path: Path
) -> None:
    root, _ = swept
    again = tmp_path / "again"
    shutil.copytree(root, again)
    done = ablate("sweep", "study=mine.yaml", "replicates=8", cwd=again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24/24 runs" in done.stdout
    assert counts(again) == {"8": 8, "16": 8, "32": 8}


def test_nested_tuning_goes_on_with_its_replicates(tmp_path: Path) -> None:
    tune = "tune: {optimizer.lr: [0.02, 0.1], with: {nested: true}}"
    (tmp_path / "mine.yaml").write_text(STUDY.replace("8, 16, 32", "8, 32") + tune)
    assert "look 2 of 2" in sweep(tmp_path)
    assert counts(tmp_path) == {"8": 8, "32": 6}
    tuning = {
        path.parent.parent.name: len(list(path.glob("*/result.json")))
        for path in tmp_path.glob("runs/mine/*/tune/*")
    }
    assert sorted(tuning.values()) == [6, 8]
    assert "nothing to do: all 14 runs are in the ledger" in sweep(tmp_path)
    assert ablate("report", "mine", "--check", cwd=tmp_path).returncode == 0
