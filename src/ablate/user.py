"""The user's own code: finding it, calling it, and digests that tell when it has changed.

Importing it loads neither torch nor the user's modules.
"""

import copy
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

from ablate.config import RunConfig
from ablate.config.target import Target
from ablate.errors import AblateError, ConfigError, nearest, one_of

#: What their code may raise without ending ours: scripts like to leave by `sys.exit`.
RAISED = (Exception, SystemExit)
_MOST_SAID = 300


@contextmanager
def calling(key: str, path: str) -> Iterator[None]:
    """Turn what code of the user's own raises into a ConfigError that says whose: see `failure`."""
    try:
        yield
    except RAISED as error:
        raise failure(error, key, path) from error


def failure(error: BaseException, key: str, path: str) -> BaseException:
    """Return the ConfigError that says what the code at `path`, named by `key`, has raised.

    An error that speaks for itself is returned as it is: our own, and that of a full device.
    """
    if isinstance(error, AblateError) or type(error).__name__ == "OutOfMemoryError":
        return error
    return ConfigError(f"{key}={path}: {said_by(error)}.")


def imported(path: str, key: str) -> Callable[..., Any]:
    """Return the class or function at the dotted `path`.

    key  where it is named, for the message of the ConfigError that is raised where it is not
         there, fails on import or cannot be called
    """
    module, names = _module_of(path, key)
    try:
        found: Any = importlib.import_module(module)
    except RAISED as error:
        raise ConfigError(f"{key}={path}: importing {module} failed: {said_by(error)}.") from error
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
    arguments |= copy.deepcopy(dict(target.arguments))  # theirs to change
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

    @functools.wraps(function)
    def call_again(*inputs: Any, **more: Any) -> Any:
        return function(*inputs, **copy.deepcopy(dict(target.arguments)), **more)

    return call_again


def line_of(error: BaseException, config: RunConfig) -> str:
    """Return which line of the user's own code was the last before an error: ` (lab.py, line 3)`.

    Empty where none of the files that the config names was on the way to it.
    """
    names = [path.split(".") for path in config.user_code.values()]
    modules = {".".join(parts[:end]) for parts in names for end in range(1, len(parts))}
    files = {getattr(sys.modules.get(name), "__file__", None) for name in modules}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename in files:
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function has a parameter `name`; `**anything` may not know what it is."""
    parameter = (_parameters(function) or {}).get(name)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return parameter is not None and parameter.kind in named


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
    for word in config.trainer.words():
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


def make_importable(*folders: Path) -> None:
    """Put the user's own code within reach, in this process and in those that it starts."""
    inherited = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    for path in (sys.path, inherited):
        path += [str(folder) for folder in folders if str(folder) not in path]
    os.environ["PYTHONPATH"] = os.pathsep.join(inherited)


def _module_of(path: str, key: str) -> tuple[str, list[str]]:
    """Split `package.module.Class.method` where the modules end."""
    importlib.invalidate_caches()  # a file may be younger than this process
    names = path.split(".")
    for end in range(1, len(names)):
        module = ".".join(names[:end])
        try:
            spec = importlib.util.find_spec(module)
        except RAISED as error:  # finding a.b imports a, which is the user's to run
            said = said_by(error)
            raise ConfigError(f"{key}={path}: importing {module} failed: {said}.") from error
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


def said_by(error: BaseException) -> str:
    """Return the class of an error and the first line of what it says."""
    first = str(error).strip().partition("\n")[0][:_MOST_SAID].rstrip(" .")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


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
    parameters = _parameters(function)
    if parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return list(parameters)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return None  # written in C
