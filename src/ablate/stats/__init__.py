"""Statistics as pure functions of arrays: nothing about studies, frames or files.

Replicate r of one cell is paired with replicate r of another: they drew the same random numbers.
"""

from ablate.stats.arms import Arm, Pairs, led_by, pair_up, stacked
from ablate.stats.cells import (
    Pair,
    Summary,
    best_cell,
    compare,
    compare_all,
    not_shown_worse,
    summarize,
)
from ablate.stats.evidence import (
    NOTHING,
    Evidence,
    Expect,
    chance_of_better,
    in_order,
    paired_effect,
    rate,
    sign_flip,
    sign_p,
)
from ablate.stats.families import holm, holm_levels
from ablate.stats.intervals import (
    ALPHA,
    LEAST_REPLICATES,
    Array,
    proportion_half_width,
    rate_interval,
    t_half_width,
    t_interval,
)
from ablate.stats.power import detectable, least_p, power, replicates_needed
from ablate.stats.spread import between_variance, deviation, jackknife, noise, sensitivity

__all__ = [
    "ALPHA", "LEAST_REPLICATES", "NOTHING", "Arm", "Array", "Evidence", "Expect", "Pair", "Pairs",
    "Summary", "best_cell", "between_variance", "chance_of_better", "compare", "compare_all",
    "detectable", "deviation", "holm", "holm_levels", "in_order", "jackknife", "least_p", "led_by",
    "noise", "not_shown_worse", "pair_up", "paired_effect", "power",
    "proportion_half_width", "rate", "rate_interval", "replicates_needed", "sensitivity",
    "sign_flip", "sign_p", "stacked", "summarize", "t_half_width", "t_interval",
]  # fmt: skip
