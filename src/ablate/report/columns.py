"""What the columns of the runs frame are called that are the study's own."""

import re

FACTOR, TUNED = "factor:", "tuned:"
_NO_NAME = re.compile(r"[^a-z0-9_.-]+")


def level_column(factor: str) -> str:
    """Return the column with the levels of a factor."""
    return f"{FACTOR}{factor}"


def tuned_column(key: str) -> str:
    """Return the column with the values that tuning chose for a key."""
    return f"{TUNED}{key}"


def page_name(factor: str) -> str:
    """Return what a factor is called in the attributes of a page, where capitals are none."""
    return _NO_NAME.sub("_", factor.lower())
