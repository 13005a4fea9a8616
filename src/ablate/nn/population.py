"""Exact statistics of the training split for batch normalization at inference."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ablate.nn.norms import BatchNorm


class _Reached(Exception):
    """Ends a forward pass at the layer that is looked at; its argument is what arrived there."""


@torch.no_grad()
def set_population_statistics(
    network: nn.Module,
    batches: Callable[[], Iterable[Tensor]],
    run: Callable[[Tensor], object] | None = None,
    of: Iterable[nn.Module] | None = None,
) -> None:
    """Replace running averages by the mean and variance of each norm's input over all batches.

    batches  gives the inputs (R, B, *inputs) of the training split afresh
    run      what takes inputs past every norm; None: the network itself
    of       the modules whose norms are set; None: all of the network's

    Norms of frozen layers stay as they are. First to last layer, so that a layer sees its
    predecessors as inference will (Ioffe & Szegedy 2015, algorithm 2); dropout is off. The variance
    is the population's, divided by N. Costs a forward pass per layer. The network is left in
    training mode.
    """
    network.eval()
    parts = [network] if of is None else of
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, BatchNorm) and not module.is_frozen:
            mean, variance = _moments(run or network, module, batches)
            module.running_mean.copy_(mean)
            module.running_var.copy_(variance)
    network.train()


def _moments(
    run: Callable[[Tensor], object], norm: BatchNorm, batches: Callable[[], Iterable[Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return mean and variance (R, C) of what reaches `norm`, in float64."""
    mean = squares = torch.zeros_like(norm.running_mean, dtype=torch.float64)
    count = 0
    for inputs in batches():
        seen = _input_of(norm, run, inputs)
        # Replicate by replicate, each channel one row: no sum runs across replicates.
        rows = [own.transpose(0, 1).flatten(1).double().contiguous() for own in seen]
        own_mean = torch.stack([row.mean(dim=1) for row in rows])
        own_squares = torch.stack([row.var(dim=1, correction=0) * row.shape[1] for row in rows])
        size = rows[0].shape[1]
        # Chan et al. 1983: means and sums of squared deviations of two samples joined.
        shift = own_mean - mean
        total = count + size
        squares = squares + own_squares + shift**2 * (count * size / total)
        mean = mean + shift * (size / total)
        count = total
    return mean, squares / count


def _input_of(norm: nn.Module, run: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    def stop(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        raise _Reached(*arguments)

    with norm.register_forward_pre_hook(stop):
        try:
            run(inputs)
        except _Reached as reached:
            seen: Tensor = reached.args[0]
    return seen
