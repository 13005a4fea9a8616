"""A replicate has the same bits alone and in any stack: forward, backward, a few steps."""

from typing import get_args

import pytest
import torch

from ablate.config.init import He
from ablate.config.model import Activation, DropoutKind, Mlp, Norm
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.streams import Streams

BATCHES = (37, 37, 20)  # odd, and a last partial one


def trained(model: Mlp, replicates: list[int]) -> list[torch.Tensor]:
    streams = [Streams(0, r) for r in replicates]
    network = build(model, (30,), 10, len(replicates))
    initialize(network, He(name="he"), streams)
    network.seed_dropout(streams, "cpu")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, foreach=True)
    for step, size in enumerate(BATCHES):
        draws = [
            s.numpy("order", step).standard_normal((size, 30), dtype="float32") for s in streams
        ]
        x = torch.stack([torch.from_numpy(draw) for draw in draws])
        labels = torch.arange(size).remainder(10).expand(len(replicates), size)
        logits = network(x)
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, 10), labels.reshape(-1), reduction="none"
        )
        loss.view(len(replicates), size).mean(dim=1).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return [value.detach().clone() for value in network.state_dict().values()]


def assert_same_bits(model: Mlp) -> None:
    alone = trained(model, [2])
    for stack in ([2, 0], [0, 1, 2], [5, 2, 3, 4, 0, 1, 6, 7]):
        place = stack.index(2)
        for single, many in zip(alone, trained(model, stack), strict=True):
            assert torch.equal(single[0], many[place])


@pytest.mark.parametrize("dropout", [0.0, 0.5], ids=["", "dropout"])
@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("activation", get_args(Activation))
def test_bits(activation: str, norm: str, dropout: float) -> None:
    assert_same_bits(
        Mlp(name="mlp", depth=2, width=100, activation=activation, norm=norm, dropout=dropout)
    )


@pytest.mark.parametrize("kind", get_args(DropoutKind))
@pytest.mark.parametrize("norm", get_args(Norm))
@pytest.mark.parametrize("width", [100, 64, 37])
def test_bits_of_norms_and_kinds_of_dropout(width: int, norm: str, kind: str) -> None:
    assert_same_bits(
        Mlp(
            name="mlp", depth=2, width=width, activation="maxout", norm=norm, dropout=0.3,
            input_dropout=0.1, dropout_kind=kind,
        )
    )  # fmt: skip
