"""What this machine's processor can do, told without importing torch."""

import platform
from functools import cache
from pathlib import Path
from typing import Literal

from ablate.errors import ConfigError

_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
#: What torch asks for before it uses a set of vector instructions.
_NEEDED = {
    "avx2": frozenset({"avx2", "fma"}),
    "avx512": frozenset({"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"}),
}


def check_capability(asked: Literal["auto", "avx2", "avx512"]) -> None:
    """Raise ConfigError unless the processor has the vector instructions that are asked for."""
    if asked == "auto":
        return
    if not has(asked):
        there = [name for name in _NEEDED if has(name)]
        kinds = f"it has {' and '.join(there)}" if there else "it has neither avx2 nor avx512"
        raise ConfigError(
            f"trainer.cpu_capability={asked} is not possible on this processor: {kinds}."
        )


def has(instructions: str) -> bool:
    """Tell whether the processor is known to have a set of vector instructions."""
    return _NEEDED[instructions] <= (flags() or frozenset())


def bfloat16_instructions() -> bool | None:
    """Tell whether the processor multiplies bfloat16 itself; None where nobody says."""
    here = flags()
    return None if here is None else bool(_BFLOAT16 & here)


@cache
def flags() -> frozenset[str] | None:
    """Return what Linux calls the processor's flags; None where it is no x86 or nobody says."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return None
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    named = (line.partition(":")[2].split() for line in lines if line.startswith("flags"))
    return frozenset(next(named, ())) or None
