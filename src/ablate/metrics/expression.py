"""Metrics as expressions: a final value, a point on a curve, or a statistic of the probe."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from ablate.errors import ConfigError, check_known, nearest
from ablate.metrics.catalogue import PROBED, STATISTICS, quantity

_CALL = re.compile(r"(\w+)\((.*)\)")
_NAME = re.compile(r"[\w.]+(/[\w.]+){0,2}")


@dataclass(frozen=True)
class Final:
    """What a run reports when it ends: `test/accuracy`, `weights/norm`, `steps`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class StepsTo:
    """Steps until a curve is where it should be: `steps_to(validation/accuracy, 95)`.

    target  as the curve is shown: accuracies in percent
    """

    curve: str
    target: float

    @property
    def rises(self) -> bool:
        """Whether the curve arrives from below."""
        return quantity(self.curve).better == "higher"

    def __str__(self) -> str:
        return f"steps_to({self.curve}, {self.target:g})"


@dataclass(frozen=True)
class Probed:
    """A statistic of the probe: `probe(activation/std, layer=10, step=0)`.

    layer    counts from 1; `last` is the last hidden layer
    step     a probed one; `last` is the last
    against  the layer whose statistic it is divided by, `layer=1/last`; None: the statistic itself
    """

    quantity: str
    statistic: str
    layer: int | Literal["last"]
    step: int | Literal["last"] = "last"
    against: int | Literal["last"] | None = None

    def __str__(self) -> str:
        layer = str(self.layer) if self.against is None else f"{self.layer}/{self.against}"
        return f"probe({self.quantity}/{self.statistic}, layer={layer}, step={self.step})"


Expression = Final | StepsTo | Probed


def parse(text: str) -> Expression:
    """Return what a metric says; raises ConfigError with what may be written instead."""
    text = text.strip()
    if _NAME.fullmatch(text):
        return Final(text)
    call = _CALL.fullmatch(text)
    if call is None:
        raise ConfigError(
            f"metric '{text}' is not known; write a final metric such as test/loss, "
            "steps_to(validation/accuracy, 95) or probe(activation/std, layer=2, step=0)."
        )
    words = [word.strip() for word in call[2].split(",")]
    if call[1] == "steps_to":
        return _steps_to(text, words)
    if call[1] == "probe":
        return _probed(text, words)
    raise ConfigError(
        f"metric {text}: there is no '{call[1]}'; allowed are steps_to(...) and probe(...)."
        f"{nearest(call[1], ('steps_to', 'probe'))}"
    )


def _steps_to(text: str, words: list[str]) -> StepsTo:
    if len(words) != 2 or not _NAME.fullmatch(words[0]):
        raise ConfigError(f"metric {text}: write steps_to(validation/accuracy, 95).")
    try:
        target = float(words[1])
    except ValueError:
        target = math.nan
    if not math.isfinite(target):
        raise ConfigError(f"metric {text}: '{words[1]}' is no number.")
    if quantity(words[0]).unit == "%" and not 0 < target <= 100:
        raise ConfigError(f"metric {text}: {words[1]} is no percentage that a curve can reach.")
    return StepsTo(words[0], target)


def _probed(text: str, words: list[str]) -> Probed:
    place, _, statistic = words[0].partition("/")
    for word, known in ((place, PROBED), (statistic, STATISTICS)):
        check_known(word, known, f"metric {text}: the probe has no '{word}'; it has")
    pairs = (word.partition("=") for word in words[1:])
    options = {key.strip(): value.strip() for key, _, value in pairs}
    for name in options:
        if name not in ("layer", "step"):
            raise ConfigError(f"metric {text}: probe has no '{name}'; it has layer or step.")
    if "layer" not in options:
        raise ConfigError(
            f"metric {text}: say which layer: layer=1, layer=last, or layer=1/last for the first "
            "layer's divided by the last's."
        )
    above, over, below = options["layer"].partition("/")
    layer = _place(text, "layer", above.strip(), 1)
    against = _place(text, "layer", below.strip(), 1) if over else None
    step = _place(text, "step", options.get("step", "last"), 0)
    return Probed(place, statistic, layer, step, against)


def _place(text: str, name: str, value: str, least: int) -> int | Literal["last"]:
    if value == "last":
        return "last"
    if not value.isdecimal() or int(value) < least:
        raise ConfigError(
            f"metric {text}: {name} is {value}; it must be a whole number from {least} on, or last."
        )
    return int(value)
