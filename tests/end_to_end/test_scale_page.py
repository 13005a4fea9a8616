"""The commands of docs/scale.md, as they stand there, in their order; those of engines are theirs."""

from pathlib import Path

import pytest
from scale_page import COMMANDS, ENGINES, command_for, quickstart
from sweeping import runs_of
from warm import ablate


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a root whose `quickstart` is a small one."""
    return quickstart(tmp_path)


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
    done = ablate(*command_for("launch=slurm"), "launch.print=true", cwd=lab)
    assert done.returncode == 0, done.stderr
    assert {"#SBATCH --partition=cpu", "#SBATCH --array=0-7"} <= {*done.stdout.splitlines()}


@pytest.mark.parametrize("engine", sorted(ENGINES - {"launch=slurm"}))
def test_a_command_for_an_engine_is_one_that_can_be_planned(lab: Path, engine: str) -> None:
    done = ablate("plan", *command_for(engine)[1:], cwd=lab)
    assert done.returncode == 0, done.stderr
