"""`ablate run`: as `ablate sweep`; without a study one cell, or with -m the keys swept."""

from ablate.commands.sweep import run

__all__ = ["run"]
