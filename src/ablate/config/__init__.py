"""The schema of a run, its canonical form and its key."""

from ablate.config.launch import Executed, Launch, Local, Slurm
from ablate.config.run import RunConfig

__all__ = ["Executed", "Launch", "Local", "RunConfig", "Slurm"]
