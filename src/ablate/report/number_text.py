"""Numbers as they are printed: as many decimals as the interval deserves, a true minus sign."""

import math

from ablate.stats import Summary
from ablate.study.schema import Metric


def mean_text(summary: Summary, metric: Metric) -> str:
    """Return `93.1 ± 0.4`, `93.12` for a single run, `n/c` or `–`."""
    if summary.mean is None:
        return "n/c" if summary.n else "–"
    mean = metric.scale * summary.mean
    if summary.half_width is None:
        return single(mean, metric)
    # A count that is the same in every run has no decimals.
    counted = not summary.half_width and summary.mean == round(summary.mean)
    return plus_minus(mean, metric.scale * summary.half_width, 0 if counted else _most(metric))


def plus_minus(value: float, half_width: float, most: int, sign: str = "") -> str:
    """Return `93.1 ± 0.4` with `most` decimals at most; `sign`: `+` shows it in any case."""
    digits = decimals(half_width, most)
    return f"{number(value, digits, sign)} ± {half_width:.{digits}f}"


def decimals(half_width: float, most: int) -> int:
    """Return how many decimals a mean deserves: one digit of its half-width, two after a 1."""
    if half_width <= 0:
        return most
    exponent = math.floor(math.log10(half_width))
    digits = 1 if half_width / 10**exponent >= 2 else 2
    return min(most, max(0, digits - 1 - exponent))


def number(value: float, digits: int, sign: str = "") -> str:
    """Return a number with a true minus sign; `sign`: `+` shows it in any case."""
    return f"{value:{sign}.{digits}f}".replace("-", "−")


def with_interval(
    value: float, low: float | None, high: float | None, sign: str = "+", unit: str = ""
) -> str:
    """Return `+2.41 points (1.02 to 3.80)`, with as many decimals as the interval deserves."""
    digits = 2 if low is None or high is None else decimals((high - low) / 2, 4)
    text = f"{number(value, digits, sign)} {unit}".rstrip()
    if low is None or high is None:
        return text
    return f"{text} ({number(low, digits)} to {number(high, digits)})"


def p_text(p: float) -> str:
    """Return `< 0.001` or three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_is(p: float) -> str:
    """Return `p < 0.001` or `p = 0.031`."""
    return f"p {p_text(p)}" if p < 0.001 else f"p = {p_text(p)}"


def single(value: float, metric: Metric) -> str:
    """Return the value of one run as it is shown; a count has no decimals."""
    counted = "/" not in metric.name and value == round(value)
    return number(value, 0 if counted else _most(metric))


def compact(value: float) -> str:
    """Return a count as `980`, `250 k`, `2.7 M` or `382 M`."""
    for unit in ("", " k", " M", " G", " T"):
        if round(value) < 1000 or unit == " T":
            break
        value /= 1000
    return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"


def _most(metric: Metric) -> int:
    return 2 if metric.scale == 100 else 4
