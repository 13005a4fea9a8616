"""What theory predicts for a cell, where there is a theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ablate.config import RunConfig


def std_by_layer(config: RunConfig | None, quantity: str) -> npt.NDArray[np.float64] | None:
    """Return the predicted std of each hidden layer, None where nothing is predicted.

    quantity   `activation` or `activation_gradient`
    """
    return None
