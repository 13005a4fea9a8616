"""Single test examples from the sweep to the page, and once more from the report's folder alone."""

import json
import shutil
from pathlib import Path

import pytest
from warm import ablate

from ablate.report.frame import read_frames
from ablate.report.held_out import unpacked

pytestmark = pytest.mark.long  # whole sweeps, a dozen

STUDY = """\
question: Does the network have to be wide?
baseline:
  data: digits
  model: mlp
  model.depth: 1
  trainer.epochs: 3
  probe.steps: "off"
factors:
  width: {key: model.width, levels: [2, 64], axis: log}
replicates: 6
claims:
  wide:
    text: A wide network is better.
    compare: {width: [64, 2]}
    expect: greater
  alike:
    text: Wide and narrow networks have the same loss.
    compare: {width: [64, 2]}
    metric: test/loss
    margin: 0.1
    expect: equal
report: [table, changed_examples]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    root = tmp_path_factory.mktemp("swept")
    shutil.copy(empty_mlflow, root)
    (root / "wide.yaml").write_text(STUDY)
    done = ablate("sweep", "study=wide.yaml", cwd=root)
    assert done.returncode == 0, done.stderr
    return root


def test_a_bit_for_each_example_and_run_gives_the_accuracies(swept: Path) -> None:
    frames = read_frames(swept / "reports" / "wide")
    converged = frames.runs[frames.runs["status"] == "done"]
    assert len(frames.examples) == len(converged) >= 6
    assert set(frames.examples["test_set"]) == {frames.examples["test_set"][0]}
    accuracies = frames.runs.set_index(["cell", "replicate"])["test/accuracy"]
    for row in frames.examples.to_dict("records"):
        right = unpacked(row)
        assert len(right) == 360
        # In half precision one or two examples may tie.
        expected = accuracies[row["cell"], row["replicate"]]
        assert right.mean() == pytest.approx(expected, abs=2.5 / 360)


def test_the_claim_says_so_on_the_page_in_the_manifest_and_in_json(swept: Path) -> None:
    report = swept / "reports" / "wide"
    page = (report / "README.md").read_text()
    assert "for other test examples too" in page
    assert "| yes (standard error " in page
    wide, alike = json.loads((report / "manifest.json").read_text())["verdicts"]
    assert wide["verdict"] == "supported"
    assert wide["other_examples"].startswith("yes (standard error ")
    assert "other_examples" not in alike
    done = ablate("report", "wide", "--format", "json", cwd=swept)
    assert json.loads(done.stdout)["verdicts"][0]["other_examples"] == wide["other_examples"]
    assert not json.loads(done.stdout)["missing"]


def test_the_report_holds_with_and_without_runs_and_data(swept: Path, tmp_path: Path) -> None:
    done = ablate("report", "--check", "wide", cwd=swept)
    assert (done.returncode, done.stdout) == (0, "")
    shutil.copytree(swept / "reports", tmp_path / "reports")
    assert (tmp_path / "reports" / "wide" / "changed_examples.svg").is_file()
    done = ablate("report", "--check", "wide", cwd=tmp_path, ABLATE_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "reports" / "wide" / "examples.parquet").unlink()
    done = ablate("report", "--check", "wide", cwd=tmp_path)
    assert done.returncode == 1
    assert "examples.parquet" in done.stdout
    done = ablate("report", "wide", cwd=tmp_path)
    assert (
        "changed_examples is missing: which test examples the runs get right is not" in done.stdout
    )
