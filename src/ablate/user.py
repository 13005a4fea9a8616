"""The user's own code: finding it, calling it, and digests that tell when it has changed.

Importing it loads neither torch nor the user's modules.
"""

import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.errors import ConfigError, nearest, one_of


def imported(path: str, key: str) -> Callable[..., Any]:
    """Return the class or function at the dotted `path`.

    key  where it is named, for the message of the ConfigError that is raised where it is not
         there, fails on import or cannot be called
    """
    module, names = _module_of(path, key)
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{key}={path}: importing {module} failed: {problem}.") from error
    for name in names:
        if not hasattr(found, name):
            known = [word for word in vars(found) if not word.startswith("_")]
            known += [info.name for info in pkgutil.iter_modules(getattr(found, "__path__", ()))]
            raise ConfigError(
                f"{key}={path}: {found.__name__} has no '{name}'.{nearest(name, known)}"
            )
        found = getattr(found, name)
    if not callable(found):
        raise ConfigError(f"{key}={path} is not allowed: it must be a class or a function.")
    return found  # type: ignore[no-any-return]


def call(target: Target, key: str, *inputs: Any, **offered: Any) -> Any:
    """Call a target with `inputs`, its own arguments, and what of `offered` it has a name for.

    Raises ConfigError where that does not fit its signature.
    """
    function = imported(target.target, key)
    _known_names(function, target, key, offered)
    arguments = {name: value for name, value in offered.items() if takes(function, name)}
    arguments |= target.arguments
    try:
        inspect.signature(function).bind(*inputs, **arguments)
    except TypeError as error:
        raise ConfigError(f"{key}={target.target} cannot be called: {error}.") from None
    except ValueError:
        pass  # written in C, without a signature
    return function(*inputs, **arguments)


def bound(target: Target, key: str, given: Iterable[str] = ()) -> Callable[..., Any]:
    """Return what is called again and again: an instance of a class, or a function as it is.

    Either has the target's own arguments already. `given` are the arguments of a function that
    the caller will give.
    """
    function = imported(target.target, key)
    if inspect.isclass(function):
        made = call(target, key)
        if not callable(made):
            raise ConfigError(
                f"{key}={target.target} is not allowed: its instances must be callable (__call__)."
            )
        return made  # type: ignore[no-any-return]
    _known_names(function, target, key, given)
    return functools.partial(function, **target.arguments)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function may be given `name=`."""
    names = _names(function)
    return names is None or name in names


def sources(config: RunConfig, root: Path) -> dict[str, str]:
    """Return a SHA-256 per file of the user's own code that a run depends on, by config key.

    Of a dotted path it is the file of its module; of `trainer.command` every word that is a
    file below `root`. What those files import is not followed. Raises ConfigError where a
    module is not found.
    """
    files = {}
    for key, path in config.user_code.items():
        module, _ = _module_of(path, key)
        spec = importlib.util.find_spec(module)
        assert spec is not None
        files[key] = Path(spec.origin or "")
    for word in shlex.split(config.trainer.command or ""):
        files[f"trainer.command {word}"] = root / word
    return {
        key: hashlib.sha256(path.read_bytes()).hexdigest()
        for key, path in files.items()
        if path.is_file()
    }


def folders(config: RunConfig, root: Path) -> list[str]:
    """Return from `root` the folders in which own modules that are not installed were found."""
    found = set()
    for path in config.user_code.values():
        package = path.partition(".")[0]
        spec = importlib.util.find_spec(package)
        places = [*(spec.submodule_search_locations or ()), spec.origin or ""] if spec else [""]
        folder = Path(places[0]).parent
        installed = "site-packages" in folder.parts or package in {"ablate", *stdlib_module_names}
        if folder.is_absolute() and not installed:
            found.add(os.path.relpath(folder, root))
    return sorted(found)


def _module_of(path: str, key: str) -> tuple[str, list[str]]:
    """Split `package.module.Class.method` where the modules end."""
    importlib.invalidate_caches()  # a file may be younger than this process
    names = path.split(".")
    for end in range(1, len(names)):
        module = ".".join(names[:end])
        try:
            spec = importlib.util.find_spec(module)
        except Exception as error:  # finding a.b imports a, which is the user's to run
            problem = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{key}={path}: importing {module} failed: {problem}.") from error
        if spec is None:
            if end == 1:
                raise ConfigError(
                    f"{key}={path}: there is no module '{module}'; it must lie in the working "
                    "directory or the study's folder, or be installed."
                )
            return ".".join(names[: end - 1]), names[end - 1 :]
        if spec.submodule_search_locations is None:
            return module, names[end:]
    return ".".join(names[:-1]), names[-1:]


def _known_names(
    function: Callable[..., Any], target: Target, key: str, offered: Iterable[str]
) -> None:
    names = _names(function)
    for name in target.arguments:
        if names is not None and name not in names:
            allowed = [word for word in names if word not in (*offered, "self")]
            has = f"it takes {one_of(allowed)}" if allowed else "it takes none"
            raise ConfigError(
                f"{key}.{name}: {target.target} takes no argument '{name}'; {has}."
                f"{nearest(name, allowed)}"
            )


def _names(function: Callable[..., Any]) -> list[str] | None:
    """Return the names of what a function takes; None where it takes any, or does not say."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return None
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return None if anything else list(parameters)
