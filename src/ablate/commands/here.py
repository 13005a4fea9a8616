"""Paths and commands as they read, and work, from where the user is."""

import shlex
from pathlib import Path

from ablate.errors import ConfigError


def shown(path: Path) -> Path:
    """Return a path as it is typed here: relative where it lies below the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def typed(command: str, root: Path) -> str:
    """Return a command as it has to be typed here, with `--root` where that is elsewhere."""
    return command if root == Path.cwd() else f"{command} --root {shlex.quote(str(shown(root)))}"


def root_of(text: str, key: str) -> Path:
    """Return the root that `key` names, which need not be there yet.

    Raises ConfigError for what is no folder and can become none, and where a file or a link that
    leads nowhere has the place of its runs or reports.
    """
    said = f"{key}={text} is not allowed"
    if not text:
        raise ConfigError(f"{said}: name a folder.")
    try:
        root = Path(text).expanduser().resolve()
        nearest = next(one for one in (root, *root.parents) if one.exists())
        inside = (root / name for name in ("runs", "reports"))
        taken = [path for path in inside if path.is_symlink() or path.exists()]
    except RuntimeError:  # ~nobody, links in a circle
        raise ConfigError(f"{said}: it leads to no folder.") from None
    except OSError as error:
        raise ConfigError(f"{said}: {error.strerror}.") from None
    for path in (nearest, *taken):
        if not path.is_dir():
            what = "is a file" if path.exists() else "is a link that leads nowhere"
            raise ConfigError(f"{said}: {path} {what}, and has to be a folder.")
    return root


def study_name(text: str) -> str:
    """Return the name of a study; raises ConfigError for one that would leave its folder."""
    if text in ("", ".", "..") or "/" in text:
        raise ConfigError(f"'{text}' is no name of a study: it must be the name of one folder.")
    return text
