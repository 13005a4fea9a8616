"""The machine's limit: the matrix products of a sweep alone, in as many processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from .networks import NETS, Net


def products(net: Net, stack: int, steps: int) -> Callable[[], None]:
    """Return the products of `steps` training steps of a stack, on tensors of the same shapes.

    Forward pass, weight gradient and input gradient (the first layer needs none), with results
    written where they belong and nothing between them. Weights are (inputs, outputs), as in
    training.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    calls: list[tuple[Any, Any, Any]] = []
    for number, (rows, inputs, outputs) in enumerate(net.products()):
        x = torch.randn(stack, rows, inputs, generator=generator)
        weight = torch.randn(stack, inputs, outputs, generator=generator)
        gradient = torch.randn(stack, rows, outputs, generator=generator)
        calls.append((x, weight, torch.empty(stack, rows, outputs)))
        calls.append((x.mT, gradient, torch.empty(stack, inputs, outputs)))
        if number:
            calls.append((gradient, weight.mT, torch.empty(stack, rows, inputs)))
    product = torch.bmm
    if stack == 1:
        # The floor is the faster of the two calls; for one matrix that is mm.
        product = torch.mm
        calls = [(a[0], b[0], out[0]) for a, b, out in calls]

    def work() -> None:
        with torch.no_grad():
            for _ in range(steps):
                for a, b, out in calls:
                    product(a, b, out=out)

    return work


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
    work, warm = products(NETS[name], 1, steps), products(NETS[name], 1, 2)
    warm()
    ready.release()
    begin.wait()
    work()
