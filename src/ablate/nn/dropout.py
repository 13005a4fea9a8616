"""Dropout of units or of weights; each replicate draws from streams of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ablate.config.model import DropoutKind
from ablate.streams import Streams


class Masks(nn.Module):
    """What draws: a probability, and a generator per replicate named by the layer."""

    def __init__(self, p: float, name: str) -> None:
        super().__init__()
        self.p, self.name = p, name
        self.generators: list[torch.Generator] = []

    def seed(self, streams: Sequence[Streams], device: str) -> None:
        """Start the masks of every replicate from the beginning of its stream."""
        self.generators = [stream.torch("dropout", self.name, device) for stream in streams]

    def keep(self, x: Float[Tensor, "R N *shape"]) -> Bool[Tensor, "R N *shape"]:
        """Return a mask of x's shape (R, ...), true with probability 1 - p."""
        mask = torch.empty(x.shape, dtype=torch.bool, device=x.device)
        for own, generator in self._drawn(mask):
            own.bernoulli_(1 - self.p, generator=generator)
        return mask

    def noise(self, x: Float[Tensor, "R N *shape"]) -> Float[Tensor, "R N *shape"]:
        """Return N(0, 1) of x's shape (R, ...)."""
        noise = torch.empty(x.shape, device=x.device)
        for own, generator in self._drawn(noise):
            own.normal_(generator=generator)
        return noise

    def _drawn(self, buffer: Tensor) -> list[tuple[Tensor, torch.Generator]]:
        if len(self.generators) != len(buffer):
            raise RuntimeError(f"dropout '{self.name}' has no random streams: call seed_dropout")
        return list(zip(buffer, self.generators, strict=True))


class Dropout(Masks):
    """Dropout of units (Srivastava et al. 2014), p the probability that one is dropped.

    inverted  training: x * keep / (1 - p); inference: x
    standard  training: x * keep; inference: x * (1 - p)
    gaussian  training: x * N(1, p / (1 - p)); inference: x
    """

    def __init__(self, p: float, name: str, kind: DropoutKind = "inverted") -> None:
        super().__init__(p, name)
        self.kind = kind

    def forward(self, x: Float[Tensor, "R B *units"]) -> Float[Tensor, "R B *units"]:
        """Return x (R, B, ...) with units dropped in training."""
        if self.p == 0:
            return x
        if self.kind == "standard":
            return x * self.keep(x) if self.training else x * (1 - self.p)
        if not self.training:
            return x
        if self.kind == "gaussian":
            return x * (1 + math.sqrt(self.p / (1 - self.p)) * self.noise(x)).to(x.dtype)
        return x * self.keep(x) / (1 - self.p)


class DropConnect(Masks):
    """Dropout of weights (Wan et al. 2013): one mask per step, kept weights divided by 1 - p."""

    def forward(self, weight: Float[Tensor, "R I *shape"]) -> Float[Tensor, "R I *shape"]:
        """Return the weights (R, ...) to multiply by: with some dropped in training."""
        if not self.training or self.p == 0:
            return weight
        return weight * self.keep(weight) / (1 - self.p)
