"""Causal self-attention with a leading replicate dimension R; tokens are (R, B * T, W)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.nn.layers import Linear

#: Slowest turn of rotary positions: a whole one in 2 pi times as many places.
_SLOWEST = 10_000.0


class Attention(nn.Module):
    """Each place looks at itself and those before it, by `heads` heads (Vaswani et al. 2017)."""

    def __init__(self, replicates: int, width: int, heads: int, rotary: bool) -> None:
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.query, self.key, self.value, self.output = (
            Linear(replicates, width, width) for _ in range(4)
        )

    def forward(self, x: Float[Tensor, "R N W"], length: int) -> Float[Tensor, "R N W"]:
        """Return what each of N = B * T tokens takes from its sequence of `length` T."""
        query, key, value = (
            self._by_head(part(x), length) for part in (self.query, self.key, self.value)
        )
        if self.rotary:
            query, key = rotated(query), rotated(key)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        y: Tensor = self.output(seen.transpose(1, 2).reshape(x.shape))
        return y

    def _by_head(self, x: Tensor, length: int) -> Tensor:
        """Return (R, B * T, W) as (R * B, heads, T, W / heads)."""
        return x.reshape(-1, length, self.heads, x.shape[-1] // self.heads).transpose(1, 2)


def rotated(x: Float[Tensor, "B heads T D"]) -> Float[Tensor, "B heads T D"]:
    """Turn the pair (x_i, x_{i + D/2}) at place t by t * 10000^(-2i/D) (Su et al. 2021, eq. 34).

    The product of a turned query and a turned key depends on how far apart they are alone.
    """
    half = x.shape[-1] // 2
    turns = _SLOWEST ** (-torch.arange(half, device=x.device, dtype=torch.float64) / half)
    angles = torch.arange(x.shape[2], device=x.device)[:, None] * turns
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
