"""What `trainer.precision` costs or would save on the processor at hand, in a sentence."""

import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ablate.config import RunConfig
from ablate.launch.device import Device

_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})

#: Of a sweep, in seconds: below it nobody needs to hear how it would be faster.
LONG = 600.0

_EMULATED = (
    "trainer.precision=bf16: this processor has no bfloat16 instructions and emulates them; fully "
    "connected networks were measured to train at a tenth of the speed of fp32."
)
_FASTER = (
    "trainer.precision=bf16 would train about twice as fast on this processor (fully connected and "
    "small convolutional networks were measured at 1.4 to 2.3 times); study=precision compares "
    "their accuracy."
)


def emulated(configs: Iterable[RunConfig], device: Device) -> list[str]:
    """Return the sentence that bf16 is slow here, where one of `configs` asks for it."""
    asked = any(config.trainer.precision == "bf16" for config in configs)
    return [_EMULATED] if asked and device == "cpu" and bfloat16_instructions() is False else []


def would_be_faster(
    configs: Iterable[RunConfig], device: Device, seconds: float | None
) -> list[str]:
    """Return the sentence that bf16 is fast here, where a network in fp32 would gain from it.

    seconds  that training is to take, where they are known
    """
    if seconds is None or seconds < LONG:
        return []
    gains = any(
        config.trainer.precision == "fp32"
        and not config.trainer.is_user_code
        and config.model.name in ("mlp", "cnn")
        for config in configs
    )
    return [_FASTER] if gains and device == "cpu" and bfloat16_instructions() else []


@cache
def bfloat16_instructions() -> bool | None:
    """Tell whether the processor multiplies bfloat16 itself; None where nobody says."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return None
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return bool(_FLAGS.intersection(flags)) if flags else None
