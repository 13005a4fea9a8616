"""Normalization with a leading replicate dimension R; parameters are (R, C).

As everywhere here, a replicate's numbers are the same bits alone and in any stack.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ablate.config.model import ChainConfig, Transformer
from ablate.nn.layers import fold, unfold


def build_norm(
    config: ChainConfig | Transformer, replicates: int, channels: int
) -> nn.Module | None:
    """Return the normalization that `model.norm` asks for, None for none."""
    match config.norm:
        case "none":
            return None
        case "layer":
            return GroupNorm(replicates, channels, 1)
        case "group":
            groups = max(g for g in range(1, config.groups + 1) if channels % g == 0)
            return GroupNorm(replicates, channels, groups)
        case _:
            norm = BatchNorm(replicates, channels)
            norm.is_given = isinstance(config, ChainConfig) and config.statistics == "every_step"
            return norm


class BatchNorm(nn.Module):
    """Batch normalization per replicate and channel (Ioffe & Szegedy 2015); eps 1e-5.

    y = gamma (x - mean)/sqrt(variance + eps) + beta over batch (and positions). Evaluation uses
    running averages with momentum 0.1 and, as torch does, the unbiased variance. So does training
    where a layer is frozen, or its statistics are given, and leaves them as they are.
    """

    EPS, MOMENTUM = 1e-5, 0.1
    is_frozen = False
    is_given = False
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, replicates: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(replicates, channels))
        self.bias = nn.Parameter(torch.zeros(replicates, channels))
        self.register_buffer("running_mean", torch.zeros(replicates, channels))
        self.register_buffer("running_var", torch.ones(replicates, channels))

    def forward(self, x: Float[Tensor, "R B C *positions"]) -> Float[Tensor, "R B C *positions"]:
        """Return x normalized, in its own shape."""
        # torch's kernels walk channels in blocks of up to 32; a replicate whose channels do not
        # fill them would be treated differently in a stack.
        if x.dim() == 3 and (x.shape[2] % 32 or x.shape[1] == 1):
            return self._normalize_features(x)
        y = functional.batch_norm(
            fold(x),
            # Flattened views: the running averages are updated in place.
            self.running_mean.flatten(),
            self.running_var.flatten(),
            self.weight.flatten(),
            self.bias.flatten(),
            self._by_batch,
            self.MOMENTUM,
            self.EPS,
        )
        return unfold(y, len(x))

    @property
    def _by_batch(self) -> bool:
        return self.training and not self.is_frozen and not self.is_given

    def _normalize_features(self, x: Tensor) -> Tensor:
        if not self._by_batch:
            scale = self.weight / (self.running_var + self.EPS).sqrt()
            centred = x - self.running_mean.unsqueeze(1)
            return centred * scale.unsqueeze(1) + self.bias.unsqueeze(1)
        normalize: Any = _NormalizeFeatures.apply
        y, mean, variance = normalize(x, self.weight, self.bias, self.EPS)
        with torch.no_grad():
            unbiased = variance * (x.shape[1] / max(1, x.shape[1] - 1))
            self.running_mean.lerp_(mean, self.MOMENTUM)
            self.running_var.lerp_(unbiased, self.MOMENTUM)
        return y  # type: ignore[no-any-return]


class _NormalizeFeatures(torch.autograd.Function):
    """Batch normalization of (R, B, C) over B, at least in fp32, reduced along one axis only."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Any:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = wide.mean(dim=1)
        centred = wide - mean.unsqueeze(1)
        variance = (centred * centred).mean(dim=1)
        inverse = torch.rsqrt(variance + eps)
        normalized = centred * inverse.unsqueeze(1)
        ctx.save_for_backward(normalized, weight, inverse)
        ctx.mark_non_differentiable(mean, variance)
        y = normalized * weight.unsqueeze(1) + bias.unsqueeze(1)
        return y.to(x.dtype), mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> Any:
        normalized, weight, inverse = ctx.saved_tensors
        wide = gradient.to(normalized.dtype)
        d_bias = wide.sum(dim=1)
        d_weight = (wide * normalized).sum(dim=1)
        batch = wide.shape[1]
        d_x = (
            wide - (d_bias / batch).unsqueeze(1) - normalized * (d_weight / batch).unsqueeze(1)
        ) * (weight * inverse).unsqueeze(1)
        return d_x.to(gradient.dtype), d_weight, d_bias, None


class GroupNorm(nn.Module):
    """Normalization of each example over groups of channels and all positions; eps 1e-5.

    One group is layer normalization (Ba et al. 2016); more are Wu & He 2018's. Inference is no
    different from training.
    """

    EPS = 1e-5

    def __init__(self, replicates: int, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(replicates, channels))
        self.bias = nn.Parameter(torch.zeros(replicates, channels))

    def forward(self, x: Float[Tensor, "R B C *positions"]) -> Float[Tensor, "R B C *positions"]:
        """Return x (R, B, C, ...) normalized, in its own shape."""
        examples = x.flatten(0, 1).contiguous()
        normalized = functional.group_norm(examples, self.groups, eps=self.EPS).view(x.shape)
        shape = (len(x), 1, x.shape[2], *[1] * (x.dim() - 3))
        return normalized * self.weight.view(shape) + self.bias.view(shape)
