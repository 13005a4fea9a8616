"""When a run is n/c (not converged): its loss, and whether its task was learnt at all."""

import numpy as np
import numpy.typing as npt

#: Clean training examples on which a task says whether it was learnt, at most.
EXAMPLES = 10_000


def first_nonfinite(losses: npt.NDArray[np.float32]) -> int | None:
    """Return the first step whose loss (steps,) is NaN or infinite, or None."""
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if bad.size else None
