"""What a processor can do, and runs that are pinned to a part of it."""

from __future__ import annotations

import pytest

from ablate.errors import ConfigError
from ablate.launch import processor

AVX512 = "avx512f avx512vl avx512bw avx512dq"


@pytest.fixture
def on(monkeypatch, tmp_path):
    """Return a function that gives this machine the processor with such flags."""

    def of(machine, flags):
        facts = tmp_path / "cpuinfo"
        facts.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n")
        monkeypatch.setattr(processor, "Path", lambda path: facts)
        monkeypatch.setattr(processor.platform, "machine", lambda: machine)
        processor.flags.cache_clear()

    yield of
    processor.flags.cache_clear()


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "fma avx2", False),
        ("x86_64", "avx512f avx512_bf16", True),
        ("x86_64", "avx512f amx_bf16", True),
        ("arm64", "avx512f amx_bf16", None),
    ],
)
def test_flags_of_a_processor(machine, flags, expected, on):
    on(machine, flags)
    assert processor.bfloat16_instructions() is expected


@pytest.mark.parametrize(
    ("machine", "flags", "asked", "refused"),
    [
        ("x86_64", "fma avx2", "auto", ""),
        ("x86_64", "fma avx2", "avx2", ""),
        ("x86_64", f"fma avx2 {AVX512}", "avx512", ""),
        ("x86_64", "fma avx2 avx512f", "avx512", "it has avx2"),
        ("x86_64", "sse2", "avx2", "it has neither avx2 nor avx512"),
        ("aarch64", "asimd", "avx2", "it has neither avx2 nor avx512"),
        ("aarch64", "asimd", "auto", ""),
    ],
)
def test_instructions_that_a_processor_lacks_are_refused(machine, flags, asked, refused, on):
    on(machine, flags)
    if refused:
        with pytest.raises(ConfigError, match=f"{asked} is not possible .*: {refused}"):
            processor.check_capability(asked)
    else:
        processor.check_capability(asked)
