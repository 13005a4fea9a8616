"""Statistics as pure functions of arrays: nothing about studies, frames or files.

Replicate r of one cell is paired with replicate r of another: they drew the same random numbers.
"""

from ablate.stats.arms import Arm, Pairs, in_common, pair_up, paired, stacked
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
    Sides,
    TwoParts,
    all_of,
    rate,
)
from ablate.stats.families import deviation_level, holm, holm_levels
from ablate.stats.intervals import (
    ALPHA,
    LEAST_REPLICATES,
    Array,
    Constant,
    Estimate,
    estimate,
    proportion_half_width,
    rate_interval,
    t_half_width,
    t_interval,
)
from ablate.stats.power import (
    POWER,
    detectable,
    equality_power,
    equality_within,
    least_p,
    power,
    power_with_losses,
    replicates_for_equality,
    replicates_for_rate,
    replicates_needed,
    sd_range,
)
from ablate.stats.spread import (
    between_variance,
    deviation,
    jackknife,
    lost_more,
    noise,
    sensitivity,
)
from ablate.stats.tuning import LEAST_TUNING_REPLICATES, Tried, tuning_variance
from ablate.stats.two_parts import chance_of_better, is_uneven, paired_effect, sign_flip, sign_p

__all__ = [
    "ALPHA", "LEAST_REPLICATES", "LEAST_TUNING_REPLICATES", "NOTHING", "POWER", "Arm", "Array",
    "Constant", "Estimate", "Evidence", "Expect", "Pair", "Pairs", "Sides", "Summary", "Tried",
    "TwoParts", "all_of", "best_cell", "between_variance", "chance_of_better", "compare",
    "compare_all", "detectable", "deviation", "deviation_level", "equality_power",
    "equality_within", "estimate", "holm", "holm_levels", "in_common", "is_uneven", "jackknife",
    "least_p", "lost_more", "noise", "not_shown_worse", "pair_up", "paired", "paired_effect",
    "power", "power_with_losses", "proportion_half_width", "rate", "rate_interval",
    "replicates_for_equality", "replicates_for_rate", "replicates_needed", "sd_range",
    "sensitivity", "sign_flip", "sign_p", "stacked", "summarize", "t_half_width", "t_interval",
    "tuning_variance",
]  # fmt: skip
