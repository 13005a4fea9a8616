"""Calls that wait for a server, several at a time."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def is_overload(error: Exception) -> bool:
    """Tell whether a server could not take as many calls as it was asked at once.

    A process of MLflow's has 15 connections to its database and needs two or three for a call, so
    calls of several sweeps can hold each other up, until it gives up all of them.
    """
    return "QueuePool limit" in str(error)


def side_by_side(calls: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Make all calls, so many at a time, and return what they returned, in their order.

    Where one raises, no other begins, and what it raised passes through once those that were
    under way have ended.
    """
    if threads < 2 or len(calls) < 2:
        return [call() for call in calls]
    returned: dict[int, T] = {}
    raised: list[BaseException] = []
    places = iter(range(len(calls)))  # `next` of it is one step, whoever asks

    def work() -> None:
        for place in places:
            if raised:
                return
            try:
                returned[place] = calls[place]()
            except BaseException as error:
                raised.append(error)

    # Daemons: a server that never answers must not keep the process from ending.
    workers = [
        threading.Thread(target=work, name="mlflow-call", daemon=True)
        for _ in range(min(threads, len(calls)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if raised:
        raise raised[0]
    return [returned[place] for place in range(len(calls))]
