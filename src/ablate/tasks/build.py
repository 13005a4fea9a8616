"""From a config to its task."""

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.config.task import NextToken as NextTokenConfig
from ablate.config.task import Regression as RegressionConfig
from ablate.tasks.classification import Classification
from ablate.tasks.multilabel import Multilabel
from ablate.tasks.next_token import NextToken
from ablate.tasks.regression import Regression
from ablate.tasks.task import Task
from ablate.tasks.user_task import UserTask


def build_task(config: RunConfig, of_data: str) -> Task:
    """Return the task of a run.

    of_data  what the data is for where the config does not say
    """
    if isinstance(config.task, Target):
        return UserTask(config.task)
    name = of_data if config.task.name == "auto" else config.task.name
    match name:
        case "classification":
            return Classification(config.label_smoothing)
        case "regression":
            asked = config.task
            return Regression(asked.error if isinstance(asked, RegressionConfig) else "squared")
        case "multilabel":
            return Multilabel()
        case "next_token":
            given = config.task
            per = given.bytes_per_token if isinstance(given, NextTokenConfig) else 1.0
            return NextToken(per)
    raise AssertionError(name)


def natural_task(of_data: str) -> Task:
    """Return a task by the name that data gives it, with all else as usual."""
    tasks: dict[str, Task] = {
        "classification": Classification(), "regression": Regression(), "multilabel": Multilabel(),
        "next_token": NextToken(),
    }  # fmt: skip
    return tasks[of_data]
