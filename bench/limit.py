"""The machine's limit: the matrix products of a sweep alone, in as many processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from .networks import NETS, Net

#: Who multiplies float32 in torch: MKL by `bmm`, oneDNN by an internal call that torch keeps for
#: compiled graphs. It may be gone in another version, so it is measured here and used nowhere.
FLOAT32 = ("MKL", "oneDNN")
BFLOAT16 = "bfloat16"


def products(net: Net, stack: int, steps: int, how: str) -> Callable[[], None]:
    """Return the products of `steps` training steps of a stack, on tensors of the same shapes.

    Forward pass, weight gradient and input gradient (the first layer needs none), and nothing
    between them.

    how   one of `FLOAT32`, or `BFLOAT16`. oneDNN multiplies replicate by replicate, and finds
          every operand as it likes it: no transposes are counted
    """
    import torch

    calls = _bmm_calls if how in ("MKL", BFLOAT16) else onednn_calls
    dtype = torch.bfloat16 if how == BFLOAT16 else torch.float32
    generator = torch.Generator().manual_seed(0)
    pairs = []
    for number, (rows, inputs, outputs) in enumerate(net.products()):
        x = torch.randn(stack, rows, inputs, generator=generator).to(dtype)
        weight = torch.randn(stack, inputs, outputs, generator=generator).to(dtype)
        gradient = torch.randn(stack, rows, outputs, generator=generator).to(dtype)
        pairs += [(x, weight), (x.mT, gradient), *([(gradient, weight.mT)] if number else [])]
    every = calls(pairs)

    def work() -> None:
        with torch.no_grad():
            for _ in range(steps):
                for product, arguments, keywords in every:
                    product(*arguments, **keywords)

    return work


def _bmm_calls(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    """Return calls that write where the results belong; of one matrix `mm` is the faster."""
    import torch

    calls = []
    for a, b in pairs:
        out = torch.empty(len(a), a.shape[1], b.shape[2], dtype=a.dtype)
        if len(a) == 1:
            calls.append((torch.mm, (a[0], b[0]), {"out": out[0]}))
        else:
            calls.append((torch.bmm, (a, b), {"out": out}))
    return calls


def onednn_calls(
    pairs: list[tuple[Any, Any]],
) -> list[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    """Return calls of oneDNN, one per replicate, on operands that lie as it likes them."""
    import torch

    linear = torch.ops.mkldnn._linear_pointwise  # x @ weight.T
    return [
        (linear, (x, weight, None, "none", [], ""), {})
        for a, b in pairs
        for x, weight in zip(a.contiguous(), b.mT.contiguous(), strict=True)
    ]


def available() -> tuple[str, ...]:
    """Return those of `FLOAT32` that this torch has."""
    import torch

    has = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return FLOAT32 if has else FLOAT32[:1]


def limit(net: Net, steps: int, workers: int) -> float:
    """Return the seconds of the products of `steps` steps in all, shared among processes."""
    context = multiprocessing.get_context("spawn")
    ready, begin = context.Semaphore(0), context.Event()
    share = -(-steps // workers)
    processes = [
        context.Process(target=_work, args=(net.name, share, ready, begin)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started = time.perf_counter()
    begin.set()
    for process in processes:
        process.join()
    return time.perf_counter() - started


def _work(name: str, steps: int, ready: Any, begin: Any) -> None:
    from ablate.train.process import prepare_process

    prepare_process(threads=1)
    work = products(NETS[name], 1, steps, _faster(NETS[name]))
    ready.release()
    begin.wait()
    work()


def _faster(net: Net) -> str:
    """Return who multiplies fastest, by three steps each after two to warm up."""
    seconds = {}
    for how in available():
        products(net, 1, 2, how)()
        work = products(net, 1, 3, how)
        started = time.perf_counter()
        work()
        seconds[how] = time.perf_counter() - started
    return min(seconds, key=seconds.__getitem__)
