"""The quick version of every shipped study stays small, by what its plan trains, not by a clock.

A start and a report take most of the ten seconds that it has on two cores; what is left are its
runs, tens of milliseconds each, and their steps, some milliseconds each for a stack of two.
"""

import pytest

from ablate import data
from ablate.commands.command_line import plan_studies, sort_words
from ablate.config import RunConfig
from ablate.config.compose import package_conf
from ablate.launch.members import member_numbers, training_config
from ablate.nn.architectures import Shape, multiply_adds
from ablate.study.plan import Plan
from ablate.study.reader import study_files

STUDIES = sorted(study_files((package_conf(),)))
MOST_RUNS, MOST_STEPS, MOST_MULTIPLY_ADDS = 290, 6_000, 1.2e10


def _trainings(plan: Plan) -> list[RunConfig]:
    """Return the config of every network that a plan trains: cells may share members."""
    values = len(plan.study.tune.values) if plan.study.tune else 0
    found = {}
    for cell in plan.cells:
        config = training_config(cell.config)
        repeats = plan.replicates_of(cell) + values * plan.tuning_replicates_of(cell)
        for number in range(repeats):
            for member in member_numbers(cell.config) or (0,):
                found[config.model_dump_json(), number, member] = config
    return [config for config in found.values() if not config.trainer.is_user_code]


def _steps(config: RunConfig) -> int:
    examples = config.data.train_size or data.examples_of(config.data)[0]
    return config.trainer.steps_for(examples)


def _multiply_adds(config: RunConfig) -> int:
    """Return those of the forward passes of a training."""
    there = data.describe(config.data)
    one = multiply_adds(config.model, Shape(there.inputs, there.vocabulary), there.outputs)
    return _steps(config) * config.trainer.batch_size * one


@pytest.mark.parametrize("name", STUDIES)
def test_a_quick_study_is_small(name: str) -> None:
    (start,) = plan_studies(sort_words([f"study={name}"]), "quick")
    assert start.plan.runs + start.plan.tuning_runs <= MOST_RUNS
    trained = _trainings(start.plan)
    assert sum(map(_steps, trained)) <= MOST_STEPS
    assert sum(map(_multiply_adds, trained)) <= MOST_MULTIPLY_ADDS
