"""What training gathers as it goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ablate.nn.network import Network
from ablate.probe.measure import Reading

Weights = Mapping[str, np.ndarray]


@dataclass(eq=False)
class History:
    """For all R replicates of a stack.

    losses        (R, steps) on the device, filled up to the last step taken
    evaluations   per evaluation, a mapping per replicate
    validation    all scores at the last evaluation, per replicate
    evaluated_at  seconds since the start, per evaluation
    readings      of the probe by step, one per replicate
    stopped       by replicate, the step at which early stopping ended it
    best          by replicate, the weights of its best evaluation, where they are to be saved
    ended         by replicate, the weights it ends with, where training may go on without it
    pretrained    what pretraining reports, as metrics by name, per replicate
    held_out      scores on validation per replicate, where it is trained on afterwards; else empty
    more          steps per replicate of a second training, where there is one; else empty
    members       test outputs (R, N, K) of each snapshot of a snapshot ensemble
    """

    losses: Tensor
    evaluations: list[list[dict[str, float]]] = field(default_factory=list)
    validation: list[dict[str, float]] = field(default_factory=list)
    evaluated_at: list[float] = field(default_factory=list)
    readings: dict[int, list[Reading]] = field(default_factory=dict)
    stopped: dict[int, int] = field(default_factory=dict)
    best: dict[int, Weights] = field(default_factory=dict)
    ended: dict[int, Weights] = field(default_factory=dict)
    pretrained: Sequence[Mapping[str, float]] = ()
    held_out: list[dict[str, float]] = field(default_factory=list)
    more: Sequence[int] = ()
    members: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def monitored(self, replicate: int, monitor: str) -> list[float]:
        """Return what a replicate's evaluations saw so far, NaN where it was not finite."""
        return [rows[replicate].get(monitor, math.nan) for rows in self.evaluations]


def weights_of(network: Network, replicate: int) -> Weights:
    """Return a copy of one replicate's parameters and buffers by name."""
    return {name: t[replicate].cpu().numpy().copy() for name, t in network.state_dict().items()}
