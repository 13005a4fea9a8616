"""What a worker process sets once, before it trains."""

import os
from typing import Literal

#: What makes torch, MKL and oneDNN use a set of vector instructions and none above it.
_PINNED = {
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"},
    "avx512": {
        "ATEN_CPU_CAPABILITY": "avx512", "MKL_CBWR": "AVX512", "DNNL_MAX_CPU_ISA": "AVX512_CORE",
    },
}  # fmt: skip


def prepare_process(
    threads: int = 1, cpu_capability: Literal["auto", "avx2", "avx512"] = "auto"
) -> None:
    """Fix threads, matrix products, denormals and dtype, for the whole process and its children.

    threads   one each makes results the same bits whatever the stack; two processes with two
              OpenMP threads each were measured fifty times slower than with one
    products  MKL otherwise picks instructions by where in memory a result lies, so that a
              replicate's last bits would depend on its place in the stack; its mode of
              conditional numerical reproducibility was measured to cost nothing
    cpu_capability  vector instructions, as `trainer.cpu_capability` has it; the processor must
              have them
    denormals flushed to zero, or networks with small initial weights train at half speed

    Call it before the process multiplies its first matrices, best before it imports torch:
    OpenMP and MKL read their settings once.
    """
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ |= _PINNED.get(cpu_capability, {})
    os.environ.setdefault("MKL_CBWR", "AUTO")  # unless somebody pins it to a kind of processor
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
