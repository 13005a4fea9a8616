"""`dvc repro` for real: two studies, nothing the second time, and one where one was changed."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import ablate

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    find_spec("dvc") is None, reason="needs DVC: pip install -c constraints.txt -e '.[dvc]'"
)
STUDY = """
question: Does the scale matter?
baseline:
  data: digits
  model: mlp
  model.depth: 2
  model.width: 8
factors: {scale: {key: init.scale, levels: [1, 2]}}
replicates: 6
metric: test/accuracy
claims:
  larger: {text: Larger is better., compare: {scale: ['2', '1']}, expect: greater}
report: [table]
"""
CURVES = "reports/l1-quick/curves.csv"


def dvc(folder: Path, *words: str) -> str:
    """Run DVC with `ablate` and its code as they are tested; return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    source = str(Path(ablate.__file__).parents[1])
    quiet = {"DVC_NO_ANALYTICS": "1", "COLUMNS": "400", "MLFLOW_TRACKING_URI": ""}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words], cwd=folder, text=True, capture_output=True,
        env=os.environ | quiet | {"PATH": path, "PYTHONPATH": source}, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the pipeline and two of its studies made small."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(REPOSITORY / name, clone)
    for name in (".dvc", "conf", "src"):
        ignored = shutil.ignore_patterns("__pycache__", "tmp", "cache")
        shutil.copytree(REPOSITORY / name, clone / name, ignore=ignored)
    for name in ("l1", "schedule"):
        (clone / "conf" / "study" / f"{name}.yaml").write_text(STUDY)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a clone"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=clone, check=True)
    return clone


def test_every_study_has_its_stage() -> None:
    stages = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    files = {path.stem for path in (REPOSITORY / "conf" / "study").glob("*.yaml")}
    assert set(stages["sweep"]["foreach"]) == files
    # What all studies start from is all of conf/ but the studies, what lectures say, the
    # pipeline's own, and who trains, of which no number depends.
    shared = {dep for dep in stages["sweep"]["do"]["deps"] if "$" not in dep}
    there = {f"conf/{path.name}" for path in (REPOSITORY / "conf").iterdir()}
    no_part = {"conf/study", "conf/lectures", "conf/dvc_params.yaml", "conf/launch"}
    assert shared == (there - no_part) | {"src/ablate"}


@pytest.mark.long
@pytest.mark.timeout(900)  # six starts of `ablate`, on a machine that others may use
def test_studies_are_repeated_where_they_changed_and_only_there(clone: Path) -> None:
    both = ("sweep@l1", "sweep@schedule")
    said = dvc(clone, "repro", *both)
    assert "l1-quick · 2 cells × 2 replicates" in said
    assert "schedule-quick · 2 cells × 2 replicates" in said
    said = dvc(clone, "repro", *both)
    assert "Running stage" not in said
    assert all(f"Stage '{stage}' didn't change, skipping" in said for stage in both)

    said = dvc(clone, "metrics", "show", "reports/l1-quick/metrics.json", "--md")
    names, _, values = (line for line in said.splitlines() if line.startswith("|"))
    shown = dict(zip(cells_of(names), cells_of(values), strict=True))
    assert (shown["runs"], shown["headline.n"]) == ("4", "2")
    assert (shown["headline.claim"], shown["headline.verdict"]) == ("larger", "withheld")
    assert shown["verdicts"] == "larger: withheld"

    said = dvc(clone, "plots", "show", CURVES, "--out", "shown")
    assert "shown/index.html" in said
    page = (clone / "shown" / "index.html").read_text()
    for row in (clone / CURVES).read_text().splitlines()[1:]:
        assert f'"validation": "{row.split(",")[3]}"' in page
    assert "scale=2" in page

    study = clone / "conf" / "study" / "l1.yaml"
    study.write_text(STUDY.replace("levels: [1, 2]", "levels: [1, 2, 3]"))
    said = dvc(clone, "repro", *both)
    assert "Running stage 'sweep@l1'" in said
    assert "l1-quick · 3 cells × 2 replicates" in said
    # The ledger outlived the stage: of six runs the two of the new level were trained.
    assert "6/6 runs" in said
    assert not any(f"{done}/6 runs" in said for done in range(1, 5))
    assert "Stage 'sweep@schedule' didn't change, skipping" in said


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]
