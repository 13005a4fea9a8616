"""The schema of a run, its canonical form and its key."""

from ablate.config.run import Launch, RunConfig

__all__ = ["Launch", "RunConfig"]
