"""What is measured of a run: how each quantity is called, shown and judged, said once.

The ground floor: nothing of ours but `errors` is imported here.
"""

from ablate.metrics.catalogue import (
    CLASSIFICATION,
    CURVES,
    GAP,
    NO_METRICS,
    PROBED,
    SCORES,
    SPLITS,
    STATISTICS,
    TRAIN_ACCURACY,
    WEIGHT,
    Better,
    Quantity,
    effect_unit,
    quantity,
    refuse_impossible,
)
from ablate.metrics.expression import Expression, Final, Probed, StepsTo, parse
from ablate.metrics.gaps import with_gaps

__all__ = [
    "CLASSIFICATION",
    "CURVES",
    "GAP",
    "NO_METRICS",
    "PROBED",
    "SCORES",
    "SPLITS",
    "STATISTICS",
    "TRAIN_ACCURACY",
    "WEIGHT",
    "Better",
    "Expression",
    "Final",
    "Probed",
    "Quantity",
    "StepsTo",
    "effect_unit",
    "parse",
    "quantity",
    "refuse_impossible",
    "with_gaps",
]  # fmt: skip
