"""What the columns of the runs frame are called that are the study's own."""

FACTOR, TUNED = "factor:", "tuned:"


def level_column(factor: str) -> str:
    """Return the column with the levels of a factor."""
    return f"{FACTOR}{factor}"


def tuned_column(key: str) -> str:
    """Return the column with the values that tuning chose for a key."""
    return f"{TUNED}{key}"
