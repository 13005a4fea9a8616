"""An installed wheel finds its own conf/ and runs outside the repository."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

#: A wheel is built and installed into an environment of its own.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet",
         "--disable-pip-version-check", "-w", str(folder), str(REPOSITORY)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("ablate-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def ablate(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Run the installed command in an empty folder and return what it printed."""

    def run(*words: str) -> str:
        code = "import ablate, sys; print(ablate.__file__); from ablate.cli import main; "
        done = subprocess.run(
            [sys.executable, "-c", f"{code} sys.exit(main())", *words],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240,
            env={**os.environ, "PYTHONPATH": str(installed)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(installed) in done.stdout  # and not the checkout that this test runs from
        return done.stdout

    return run


def test_it_sweeps_in_an_empty_folder(ablate: Callable[..., str], tmp_path: Path) -> None:
    ablate("sweep", "study=quickstart", "--quick", "init=he,xavier", "model.activation=relu,tanh")
    assert len(list(tmp_path.glob("reports/quickstart-*-quick/index.html"))) == 1


def test_its_types_are_for_whoever_imports_it(installed: Path) -> None:
    assert (installed / "ablate" / "py.typed").is_file()


OWN = """\
question: Do wide layers earn their place in a study of one's own?
baseline:
  data: {_target_: mylab.data.rings, images: true}
  model: {_target_: mylab.nets.Net, width: 16}
  optimizer: {_target_: mylab.parts.SignDescent, lr: 0.01}
  loss: {_target_: mylab.parts.focal}
  augment: {_target_: mylab.parts.Jitter}
  trainer.epochs: 2
factors:
  width: {key: model.width, levels: [4, 16]}
  normalization: {key: model.norm, levels: [false, true]}
replicates: 2
metric: {name: recall, from: mylab.parts.macro_recall, better: higher, when_not_converged: 0.33}
report: [{table: {rows: width, columns: normalization}}, activation_distribution, learning_curves]
"""


def test_code_of_ones_own_beside_the_study(ablate: Callable[..., str], tmp_path: Path) -> None:
    """Every part that may be the user's own, in a folder of their own; editing it makes stale."""
    lab = tmp_path / "lab"
    shutil.copytree(REPOSITORY / "tests" / "mylab", lab / "mylab")
    (lab / "own.yaml").write_text(OWN)
    words = ("sweep", "study=lab/own.yaml")
    assert "8/8 runs" in ablate(*words)
    assert "nothing to do: all 8 runs are in the ledger" in ablate(*words)
    assert "| width |" in (tmp_path / "reports" / "own" / "README.md").read_text()
    with (lab / "mylab" / "nets.py").open("a") as file:
        file.write("# another network\n")
    again = ablate(*words)
    assert "nothing to do" not in again
    assert "8/8 runs" in again
    # A report is made without the code that trained.
    shutil.rmtree(lab)
    ablate("report", "own", "--check")


def test_a_training_procedure_of_ones_own(ablate: Callable[..., str], tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "tests" / "mylab", tmp_path / "mylab")
    data = "data={_target_:mylab.data.rings}"
    printed = ablate("run", data, "trainer={_target_:mylab.train.fit,steps:200}")
    assert "test/accuracy 0." in printed
    script = "import json, os; json.dump({'test/accuracy': 0.25}, open(os.environ['ABLATE_METRICS'], 'w'))"
    (tmp_path / "script.py").write_text(script)
    printed = ablate("run", data, f"trainer={{command:'{sys.executable} script.py'}}")
    assert "test/accuracy 0.2500" in printed


TASK = """\
question: Are grades told apart better by a second layer?
baseline:
  data: {_target_: mylab.data.grades}
  task: {_target_: mylab.tasks.Grades}
  model: mlp
  model.width: 16
  optimizer: adam
  optimizer.lr: 0.01
  trainer.epochs: 20
factors: {depth: {key: model.depth, levels: [1, 2]}}
replicates: 2
metric: {name: test/mean_miss, better: lower}
report: [table, learning_curves]
"""


def test_a_task_of_ones_own(ablate: Callable[..., str], tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "tests" / "mylab", tmp_path / "mylab")
    (tmp_path / "grades.yaml").write_text(TASK)
    assert "4/4 runs" in ablate("sweep", "study=grades.yaml")
    page = (tmp_path / "reports" / "grades" / "README.md").read_text()
    assert "| depth | test mean_miss |" in page.replace("\\_", "_")
    ablate("report", "grades", "--check")
