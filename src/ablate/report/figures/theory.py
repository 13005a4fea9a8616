"""What theory predicts for a cell, where there is a theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ablate.lessons.signal import theory

if TYPE_CHECKING:
    from ablate.config import RunConfig


def std_by_layer(config: RunConfig | None, quantity: str) -> npt.NDArray[np.float64] | None:
    """Return the predicted std of each hidden layer, None where nothing is predicted.

    quantity   `activation`, absolute; or `activation_gradient`, relative to the last layer
    """
    predicted = None if config is None else theory(config)
    if predicted is None:
        return None
    return predicted.activation_std if quantity == "activation" else predicted.gradient_std
