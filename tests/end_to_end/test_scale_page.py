"""The commands of docs/scale.md, as they stand there, in their order; those of engines are theirs."""

import re
import shlex
from pathlib import Path

import pytest
from sweeping import runs_of
from warm import ablate

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
#: Each command's words, less `ablate`.
COMMANDS = [
    shlex.split(line.removeprefix("ablate "))
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("ablate ")
]
ENGINES = {"launch=slurm", "launch=ray", "launch=futures"}
STUDY = """\
question: Does the page hold?
baseline: {data: synthetic, data.train_examples: 300, model.depth: 1, trainer.epochs: 1}
factors: {width: {key: model.width, levels: [4, 8]}}
replicates: 2
report: [table]
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a root whose `quickstart` is a small one."""
    folder = tmp_path / "conf" / "study"
    folder.mkdir(parents=True)
    (folder / "quickstart.yaml").write_text(STUDY)
    return tmp_path


def test_the_page_has_the_commands_of_all_ways() -> None:
    assert {word for words in COMMANDS for word in words} >= {"work", "--declare", *ENGINES}


@pytest.mark.long
def test_what_needs_no_engine_goes_through_in_its_order(lab: Path) -> None:
    without = [words for words in COMMANDS if not ENGINES & {*words}]
    assert len(without) >= 4
    for words in without:
        done = ablate(*words, cwd=lab)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert len(list(lab.glob("runs/quickstart/*/[0-9]/result.json"))) == 4
    assert runs_of(lab) == {}  # of another study
    assert (lab / "reports" / "quickstart" / "README.md").exists()


def test_the_arrays_script_is_printed(lab: Path) -> None:
    (words,) = [words for words in COMMANDS if "launch=slurm" in words]
    done = ablate(*words, "launch.print=true", cwd=lab)
    assert done.returncode == 0, done.stderr
    assert {"#SBATCH --partition=cpu", "#SBATCH --array=0-7"} <= {*done.stdout.splitlines()}


@pytest.mark.parametrize("engine", sorted(ENGINES - {"launch=slurm"}))
def test_a_command_for_an_engine_is_one_that_can_be_planned(lab: Path, engine: str) -> None:
    (words,) = [words for words in COMMANDS if engine in words]
    done = ablate("plan", *words[1:], cwd=lab)
    assert done.returncode == 0, done.stderr
