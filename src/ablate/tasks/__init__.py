"""What is predicted and how it is scored: a module per task."""

from ablate.tasks.build import build_task
from ablate.tasks.task import Task

__all__ = ["Task", "build_task"]
