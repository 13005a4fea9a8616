"""From a config to its task."""

from importlib import import_module

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.tasks.task import Task
from ablate.tasks.user_task import UserTask


def build_task(config: RunConfig, of_data: str) -> Task:
    """Return the task of a run.

    of_data  what the data is for where the config does not say
    """
    if isinstance(config.task, Target):
        return UserTask(config.task)
    return _made(of_data if config.task.name == "auto" else config.task.name, config)


def natural_task(of_data: str) -> Task:
    """Return a task by the name that data gives it, with all else as usual."""
    return _made(of_data, None)


def _made(name: str, config: RunConfig | None) -> Task:
    """Return the task of the module `name`; without a config all is as usual."""
    task: Task = import_module(f"ablate.tasks.{name}").build(config)
    return task
