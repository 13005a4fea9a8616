"""Calls several at a time: all results in order, and an end at the first that fails."""

from __future__ import annotations

import threading

import pytest

from ablate.store.side_by_side import side_by_side


@pytest.mark.parametrize("threads", [1, 3, 100])
def test_what_calls_return_comes_in_their_order(threads: int) -> None:
    calls = [lambda number=number: number for number in range(50)]
    assert side_by_side(calls, threads) == list(range(50))
    assert side_by_side([], threads) == []


def test_so_many_are_under_way_at_once() -> None:
    together = threading.Barrier(3)  # breaks unless three wait for each other
    side_by_side([lambda: together.wait(timeout=60)] * 9, 3)


def test_after_one_that_raises_no_other_begins() -> None:
    begun: list[int] = []
    under_way = threading.Event()

    def fails() -> None:
        assert under_way.wait(60)
        raise OSError("away")

    def ends() -> None:
        begun.append(0)
        under_way.set()

    def never() -> None:
        begun.append(1)

    with pytest.raises(OSError, match="away"):
        side_by_side([fails, ends, fails, *[never] * 20], 2)
    assert 1 not in begun
    begun.clear()
    with pytest.raises(OSError, match="away"):
        side_by_side([ends, fails, never], 1)
    assert begun == [0]
