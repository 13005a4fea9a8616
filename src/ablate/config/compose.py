"""The boundary to Hydra: overrides go in, a plain mapping comes out.

Nothing deeper in the package imports Hydra or OmegaConf.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ablate.errors import ConfigError

#: Values of one key on the command line.
_MOST = 100_000
_FULL_ERROR = "HYDRA_FULL_ERROR"


@dataclass(frozen=True)
class Composed:
    """A composed config, resolved and plain.

    base   every key with its value; what a run with no further override would use
    swept  keys that the command line gave several values, in its order
    """

    base: Mapping[str, Any]
    swept: Mapping[str, Sequence[Any]]


def package_conf() -> Path:
    """Return the folder of the config groups that ship with the package."""
    inside = Path(__file__).resolve().parents[1] / "conf"  # an installed wheel
    return inside if inside.is_dir() else inside.parents[2] / "conf"  # a source checkout


def conf_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders read for groups and studies: the package's, then the user's own."""
    shipped, own = package_conf(), (root / "conf").resolve()
    return (shipped, own) if own.is_dir() and own != shipped else (shipped,)


def compose(
    overrides: Sequence[str], root: Path, multirun: bool = False, flags: Sequence[str] = ()
) -> Composed | None:
    """Compose `overrides` with Hydra; None when a Hydra flag (`--cfg job`) has had its answer.

    Raises ConfigError for whatever Hydra refuses, as one sentence.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    composed: list[tuple[Any, Mapping[str, Sequence[Any]]]] = []

    def task(config: Any, swept: Mapping[str, Sequence[Any]] | None = None) -> None:
        composed.append((config, swept or {}))

    folders = conf_folders(root)
    mode = ["--multirun"] if multirun and not flags else []  # Hydra takes one or the other
    search = [as_override("hydra.searchpath", [f"file://{folder}"]) for folder in folders[1:]]
    if any(word.startswith("paths.root=") for word in overrides):
        kept = [word for word in overrides if not word.startswith("paths.root=")]
        overrides = [*kept, as_override("paths.root", str(root))]
    before, asked = sys.argv, os.environ.get(_FULL_ERROR)
    sys.argv = ["ablate", *flags, *mode, *search, *overrides]
    os.environ[_FULL_ERROR] = "1"  # else Hydra prints a traceback and exits 1 itself
    try:
        hydra.main(version_base="1.3", config_path=str(folders[0]), config_name="config")(task)()
        if not composed:
            return None
        config, swept = composed[0]
        base = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_first_sentence(str(error))) from error
    except (ValueError, TypeError, RecursionError) as error:  # Hydra on what it does not foresee
        raise ConfigError(f"Hydra cannot compose {' '.join(overrides)}: {error}.") from error
    finally:
        sys.argv = before
        del os.environ[_FULL_ERROR]
        os.environ |= {} if asked is None else {_FULL_ERROR: asked}
    assert isinstance(base, dict)
    return Composed({str(k): v for k, v in base.items() if k != "hydra"}, swept)


class Word(NamedTuple):
    """A word of the command line, parsed: `several` where its value is a list of values."""

    key: str
    value: Any
    several: bool
    text: str

    @property
    def values(self) -> list[Any]:
        """The one value, or the several."""
        return list(self.value) if self.several else [self.value]


def parse_override(text: str) -> Word:
    """Parse one `key=value` argument; raises ConfigError when it is no override."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(text)
        odd = parsed.is_delete() or parsed.package is not None
        if parsed.key_or_group == "" or "=" not in text or odd:
            raise HydraException("no key or no value")
        several = parsed.is_sweep_override()
        values = parsed.sweep_iterator() if several else ()
        value: Any = [*map(_unquoted, islice(values, _MOST + 1))] if several else parsed.value()
    except (HydraException, RecursionError, ValueError, NotImplementedError) as error:
        raise ConfigError(
            f"'{text[:200]}' is not an override: write key=value, such as optimizer.lr=0.1."
        ) from error
    if several and not 0 < len(value) <= _MOST:
        raise ConfigError(
            f"'{text[:200]}' has {'more' if value else 'no'} values; allowed are 1 to {_MOST}."
        )
    return Word(parsed.key_or_group, value, several, text)


def _unquoted(value: Any) -> Any:
    """Return a swept value as plain data: within lists and mappings Hydra leaves its own texts."""
    from hydra.core.override_parser.types import QuotedString

    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, Mapping):
        return {_unquoted(k): _unquoted(v) for k, v in value.items()}
    return [_unquoted(v) for v in value] if isinstance(value, list) else value


def as_override(key: str, value: Any) -> str:
    """Return `key=value` as Hydra's grammar reads it back."""
    return f"{key}={_quoted(value)}"


def _quoted(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(_quoted(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{k}:{_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        # To Hydra a backslash is one but in front of a quote.
        return "'" + re.sub(r"(\\*)('|\Z)", lambda m: 2 * m[1] + (m[2] and "\\'"), value) + "'"
    return repr(value)


def _first_sentence(message: str) -> str:
    """Hydra's messages go on with full_key and object_type lines that tell users nothing."""
    first, *_ = message.strip().splitlines() or ["the configuration is not valid"]
    return first.strip().rstrip(".") + "."
