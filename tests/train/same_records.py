"""Two records held against each other, number by number."""

from dataclasses import fields

import numpy as np

from ablate.records import Record


def assert_same(one: Record, other: Record) -> None:
    """Hold every number of two records against each other; times may differ."""
    for field in fields(Record):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("seconds", "evaluated_at"):
            continue
        if isinstance(a, dict) and field.name in ("probe", "weights"):
            assert list(a) == list(b)
            for name in a:
                assert a[name].tobytes() == b[name].tobytes(), f"{field.name} {name}"
        elif isinstance(a, np.ndarray):
            assert a.tobytes() == b.tobytes(), field.name
        else:
            assert a == b, field.name
