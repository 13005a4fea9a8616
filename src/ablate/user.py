"""The user's own code: finding it, calling it, and digests that tell when it has changed.

Importing it loads neither torch nor the user's modules.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
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
    arguments = _arguments(function, target, key, inputs, offered)
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
    parameters = _signature(function)
    return parameters is None or name in parameters or _takes_anything(parameters)


def sources(config: RunConfig, root: Path) -> dict[str, str]:
    """Return a SHA-256 per file of the user's own code that a run depends on, by config key.

    Of a dotted path it is the file of its module; of `trainer.command` every word that is a
    file below `root`. What those files import is not followed. Raises ConfigError where a
    module is not found.
    """
    found = {}
    for key, path in config.user_code.items():
        module, _ = _module_of(path, key)
        spec = importlib.util.find_spec(module)
        assert spec is not None
        if spec.origin is not None and Path(spec.origin).is_file():
            found[key] = _digest(Path(spec.origin))
    for word in shlex.split(config.trainer.command or ""):
        if (root / word).is_file():
            found[f"trainer.command {word}"] = _digest(root / word)
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def _arguments(
    function: Callable[..., Any],
    target: Target,
    key: str,
    inputs: tuple[Any, ...],
    offered: dict[str, Any],
) -> dict[str, Any]:
    """Return keyword arguments that fit; raises ConfigError in words where they do not."""
    _known_names(function, target, key, offered)
    arguments = {name: value for name, value in offered.items() if takes(function, name)}
    arguments |= target.arguments
    try:
        inspect.signature(function).bind(*inputs, **arguments)
    except TypeError as error:
        raise ConfigError(f"{key}={target.target} cannot be called: {error}.") from None
    except ValueError:
        pass  # written in C, without a signature
    return arguments


def _known_names(
    function: Callable[..., Any], target: Target, key: str, offered: Iterable[str]
) -> None:
    parameters = _signature(function)
    if parameters is None or _takes_anything(parameters):
        return
    for name in target.arguments:
        if name not in parameters:
            allowed = [word for word in parameters if word not in (*offered, "self")]
            has = f"it takes {one_of(allowed)}" if allowed else "it takes none"
            raise ConfigError(
                f"{key}.{name}: {target.target} takes no argument '{name}'; {has}."
                f"{nearest(name, allowed)}"
            )


def _signature(function: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    try:
        return dict(inspect.signature(function).parameters)
    except ValueError:
        return None


def _takes_anything(parameters: dict[str, inspect.Parameter]) -> bool:
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
