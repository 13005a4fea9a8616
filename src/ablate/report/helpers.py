"""Processes that make a share of a report: most of it is drawing, figure by figure."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection

from ablate.report.side_by_side import begin_worker

#: Items of a report for each process: starting one takes as long as drawing two.
_ITEMS_EACH = 2


def worth(items: int, cores: int) -> int:
    """Return how many helpers a report of so many items is worth."""
    return max(0, min(cores, items // _ITEMS_EACH) - 1)


@contextmanager
def helpers(count: int) -> Iterator[list[Connection]]:
    """Start helpers, which make their imports meanwhile; end them at once behind the context.

    Each takes one request, the arguments of `ablate.report.together.help_with`, and sends what
    that returns.
    """
    context = get_context("spawn")  # not forked: who calls may have threads
    pairs = [context.Pipe() for _ in range(count)]
    started = [context.Process(target=_help, args=(far,), daemon=True) for _, far in pairs]
    try:
        for process, (_, far) in zip(started, pairs, strict=True):
            process.start()
            far.close()
        yield [near for near, _ in pairs]
    finally:
        for process in started:
            if process.pid is not None:
                process.kill()
                process.join()


def _help(asked: Connection) -> None:
    begin_worker()
    gc.disable()  # see `ablate.report.side_by_side`
    import_module("ablate.report.figures.canvas")  # the longest import, before anybody asks
    from ablate.report.together import help_with

    try:
        request = asked.recv()
    except EOFError:  # nobody asks any more
        return
    answer = help_with(*request)
    with suppress(BrokenPipeError):  # nobody waits any more
        asked.send(answer)
