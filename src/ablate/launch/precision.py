"""What `trainer.precision` costs or would save on the processor at hand, in a sentence."""

from collections.abc import Iterable

from ablate.config import RunConfig
from ablate.launch.device import Device
from ablate.launch.processor import bfloat16_instructions

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
