"""Dropout of units or of weights; each replicate draws from streams of its own."""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ablate.config.model import DropoutKind, DropoutSchedule
from ablate.streams import Streams


class Dropout(nn.Module):
    """Dropout (Srivastava et al. 2014), p the probability that a unit or a weight is dropped.

    inverted      training: x * keep / (1 - p); inference: x
    standard      training: x * keep; inference: x * (1 - p)
    unscaled      training: x * keep; inference: x, 1 / (1 - p) times what training knows
    gaussian      training: x * N(1, p / (1 - p)); inference: x
    drop_connect  as inverted, of weights x (Wan et al. 2013): one mask per step

    The random streams are named by the layer, `name`. With a schedule p is what `at` was told last;
    where that is 0, nothing is drawn.
    """

    def __init__(self, p: float, name: str, kind: DropoutKind = "inverted") -> None:
        super().__init__()
        self.p, self.name, self.kind = p, name, kind
        self.highest = p
        self.generators: list[torch.Generator] = []

    def seed(self, streams: Sequence[Streams], device: str) -> None:
        """Start the masks of every replicate from the beginning of its stream."""
        self.generators = [stream.torch("dropout", self.name, device) for stream in streams]

    def at(self, share: float) -> None:
        """Drop this share of what is dropped at most, from 0 to 1."""
        self.p = self.highest * share

    def forward(self, x: Float[Tensor, "R N *shape"]) -> Float[Tensor, "R N *shape"]:
        """Return units or weights x (R, ...) with some dropped in training."""
        if not self.training:
            return x * (1 - self.p) if self.kind == "standard" else x
        if self.p == 0:
            return x
        if self.kind == "gaussian":
            noise = torch.empty(x.shape, device=x.device)
            for own, generator in self._drawn(noise):
                own.normal_(generator=generator)
            return x * (1 + math.sqrt(self.p / (1 - self.p)) * noise).to(x.dtype)
        keep = torch.empty(x.shape, dtype=torch.bool, device=x.device)
        for own, generator in self._drawn(keep):
            own.bernoulli_(1 - self.p, generator=generator)
        return x * keep if self.kind in ("standard", "unscaled") else x * keep / (1 - self.p)

    def _drawn(self, buffer: Tensor) -> Iterator[tuple[Tensor, torch.Generator]]:
        if len(self.generators) != len(buffer):
            raise RuntimeError(f"dropout '{self.name}' has no random streams: call seed_dropout")
        return zip(buffer, self.generators, strict=True)


def share_at(schedule: DropoutSchedule, until: float, progress: float) -> float:
    """Return what a schedule leaves of the shares that are dropped.

    progress  share of the training's steps that are behind, in [0, 1)

    early       1 before `until`, then 0 (as Liu et al. 2023 have it against underfitting)
    annealed    1 - progress / until, then 0 (Rennie et al. 2014)
    curriculum  progress / until, then 1 (Morerio et al. 2017, who grow exponentially)
    """
    behind = min(progress / until, 1.0)
    match schedule:
        case "early":
            return float(progress < until)
        case "annealed":
            return 1 - behind
        case "curriculum":
            return behind
        case "constant":
            return 1.0
