"""Steps from the mean of several mini-batches' gradients."""

from collections import deque
from typing import Any

import torch
from torch import Tensor

from ablate.train.fused import Fused


class Averaged:
    """An optimizer whose steps take the mean of the last gradients, or of every so many.

    With `window` each batch ends in a step, from the mean of the last `batches` gradients; these
    are all kept. Else every `batches`-th batch does, from the mean since the last step; what is
    left at the end of training moves nothing. Parameters (R, ...) of a stack are averaged each by
    itself. One without a gradient in a batch counts there as if it had one of 0; without one in
    all of them it stays as it is.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer | Fused, batches: int, window: bool
    ) -> None:
        self._optimizer, self._batches, self._window = optimizer, batches, window
        self._kept: deque[list[Tensor | None]] = deque(maxlen=batches)
        self._is_gathered = False

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The parameter groups of the optimizer that steps."""
        return self._optimizer.param_groups

    @torch.no_grad()
    def gather(self) -> bool:
        """Put the mean in the place of the gradients; tell whether it is time for a step."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        self._kept.append([None if p.grad is None else p.grad.clone() for p in parameters])
        if not self._window and len(self._kept) < self._batches:
            return False
        for parameter, gradients in zip(parameters, zip(*self._kept, strict=True), strict=True):
            there = [gradient for gradient in gradients if gradient is not None]
            if not there:
                continue
            mean = torch.stack(there).sum(dim=0) / len(gradients)
            if parameter.grad is None:
                parameter.grad = mean
            else:
                parameter.grad.copy_(mean)
        if not self._window:
            self._kept.clear()
        self._is_gathered = True
        return True

    def step(self) -> None:
        """Take a step where it is time for one, from gradients that `gather` has not seen."""
        if self._is_gathered or self.gather():
            self._is_gathered = False
            self._optimizer.step()
