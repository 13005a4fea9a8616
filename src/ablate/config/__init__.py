"""The schema of a run, its canonical form and its key."""

from ablate.config.launch import Launch, Local, Slurm
from ablate.config.run import RunConfig

__all__ = ["Launch", "Local", "RunConfig", "Slurm"]
