"""Paths and commands as they read, and work, from where the user is."""

import shlex
from pathlib import Path


def shown(path: Path) -> Path:
    """Return a path as it is typed here: relative where it lies below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def typed(command: str, root: Path) -> str:
    """Return a command as it has to be typed here, with `--root` where that is elsewhere."""
    return command if root == Path.cwd() else f"{command} --root {shlex.quote(str(shown(root)))}"
