"""A metric of the user's own, on the test set."""

import numpy as np
import numpy.typing as npt
import torch

from ablate import user
from ablate.config.run import UserMetric
from ablate.errors import AblateError
from ablate.metrics import refuse_impossible
from ablate.streams import Streams


def user_metric(
    metric: UserMetric, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return a metric of the user's own by its name; their function is given torch tensors.

    It draws the same random numbers in every run: what it makes of logits is theirs alone.
    Raises AblateError where it does not return a finite number.
    """
    function = user.imported(metric.function, "metric.from")
    with Streams(0, 0).seeded("metric"), user.calling("metric.from", metric.function):
        value = float(function(torch.from_numpy(np.array(logits)), torch.from_numpy(labels.copy())))
    if not np.isfinite(value):
        raise AblateError(f"metric.from={metric.function} returned {value}, which is no number.")
    refuse_impossible({metric.name: value}, f"metric.from={metric.function}")
    return {metric.name: value}
