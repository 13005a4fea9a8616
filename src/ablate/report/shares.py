"""Where the noise comes from: the variance of each source of randomness, as a share of all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ablate.report.claim_metrics import measure
from ablate.report.frame import Frames
from ablate.report.number_text import with_interval
from ablate.report.printed_table import Entry, PrintedTable
from ablate.report.run_arrays import of_common_replicates
from ablate.report.tables import csv_text
from ablate.stats import Array, deviation, jackknife, t_half_width
from ablate.study.items import VarianceShares
from ablate.study.schema import Factor, Study

#: An estimate with the ends of its 95 % interval; None where replicates are too few for one.
Estimate = tuple[float, float | None, float | None]
#: With fewer a standard deviation without one of them does not exist.
_LEAST = 3


@dataclass(frozen=True)
class Share:
    """One level of the factor that says what varies.

    deviation  between replicates, in the metric's unit as shown; each variance is the mean over
               the study's other factors
    share      of the variance where everything varies; None for that level itself
    """

    level: str
    deviation: Estimate
    share: Estimate | None


@dataclass(frozen=True)
class Shares:
    """Every source with its share; `total` is that of all single sources in sum."""

    factor: Factor
    whole: str
    rows: tuple[Share, ...]
    total: Estimate
    settings: int
    replicates: int
    unit: str


def shares(item: VarianceShares, study: Study, frames: Frames) -> Shares:
    """Return the variance shares of the levels of `lines` against the level `whole`.

    Intervals are jackknife t's over replicates: of the logarithm of a standard deviation, and of
    the logarithm of a ratio of variances, in which a replicate is left out everywhere at once,
    since all levels share its random numbers. Runs that did not converge are left out; where no
    setting of a level has two others its estimates are NaN.
    """
    factor = item.role("lines", study)
    names = factor.level_names
    whole = item.whole or names[0]
    study = of_common_replicates(study, frames.runs)
    runs = measure(None, study, frames)
    values = {name: runs.at({factor.name: (name,)}).values for name in names}
    rows = [
        Share(
            name,
            _estimate([values[name]], lambda v: deviation(v[0])),
            None if name == whole else _estimate([values[name], values[whole]], _ratios),
        )
        for name in names
    ]
    single = [values[name] for name in names if name != whole]
    total = _estimate([*single, values[whole]], _ratios)
    settings = len(values[whole])
    return Shares(factor, whole, tuple(rows), total, settings, study.replicates, runs.unit)


def _ratios(arms: Sequence[Array]) -> float:
    """Return the sum of the variances of all arms but the last, over that of the last."""
    whole = deviation(arms[-1])
    return sum(deviation(arm) ** 2 / whole**2 if whole else np.nan for arm in arms[:-1])


def _estimate(arms: Sequence[Array], of: Callable[[Sequence[Array]], float]) -> Estimate:
    """Return a positive quantity and its interval; a quantity that is 0 without noise is 0."""
    found = of(arms)
    if found <= 0:
        return 0.0, 0.0, 0.0
    n = arms[0].shape[1]
    if n < _LEAST or not np.isfinite(found):
        return found, None, None
    pseudo = jackknife(lambda keep: float(np.log(of([arm[:, keep] for arm in arms]))), n)
    half = t_half_width(pseudo)
    assert half is not None
    return found, found * float(np.exp(-half)), found * float(np.exp(half))


def print_shares(found: Shares) -> PrintedTable:
    """Return the table as it is printed."""
    unit = f" ({found.unit})" if found.unit else ""
    return PrintedTable(
        title=f"What replicates differ in, by {found.factor.label}.",
        corner=found.factor.label,
        columns=(f"standard deviation{unit}", f"share of the variance of {found.whole} (%)"),
        rows=tuple(
            (row.level, (Entry(_deviation(row)), Entry(_percent(row.share)))) for row in found.rows
        ),
        caption=(
            f"Between {found.replicates} replicates, variances averaged over {found.settings} "
            "settings of the rest; 95 % intervals from jackknife pseudo-values of logarithms.",
            f"The single sources sum to {_percent(found.total)} %; they would sum to 100 % if "
            "they added up.",
        ),
    )


def shares_answer(found: Shares) -> str:
    """Say how much replicates differ, and which sources alone make the most and the least of it."""
    whole = next(row for row in found.rows if row.share is None)
    if not np.isfinite(whole.deviation[0]):
        return "Too few runs converged to tell how much replicates differ."
    alone = [(row.share, row.level) for row in found.rows if row.share and row.share[0] >= 0.005]
    alone.sort(key=lambda pair: -pair[0][0])
    unit = f" {found.unit}" if found.unit else ""
    text = (
        f"With {found.whole} drawn anew, replicates of one setting differ by "
        f"{_deviation(whole)}{unit} (standard deviation, 95 % interval)."
    )
    if len(alone) < 2:
        return text
    (most, first), (least, last) = alone[0], alone[-1]
    text += (
        f" Of {len(alone)} sources {first} alone makes the most of that variance, "
        f"{_share_text(most)}, and {last} alone the least, {_share_text(least)}"
    )
    apart = most[1] is not None and least[2] is not None and most[1] > least[2]
    return f"{text}{'' if apart else '; the intervals overlap, so their order is not shown'}."


def _share_text(share: Estimate) -> str:
    value, low, high = share
    interval = "" if low is None or high is None else f" ({100 * low:.0f} to {100 * high:.0f})"
    return f"{100 * value:.0f} %{interval}"


def shares_csv(found: Shares) -> str:
    """Return one line per level, floats unrounded."""
    header = ["level", "deviation", "low", "high", "share", "share_low", "share_high"]
    lines = [[r.level, *r.deviation, *(r.share or (None, None, None))] for r in found.rows]
    return csv_text(header, lines)


def _deviation(row: Share) -> str:
    value, low, high = row.deviation
    if not value:
        return "0"
    return with_interval(value, low, high, sign="") if np.isfinite(value) else "–"


def _percent(share: Estimate | None) -> str:
    value, low, high = share or (1.0, None, None)
    if not np.isfinite(value):
        return "–"
    interval = "" if low is None or high is None else f" ({100 * low:.0f} to {100 * high:.0f})"
    return f"{100 * value:.0f}{interval if value else ''}"
