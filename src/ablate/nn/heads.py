"""A network that predicts more than its task, from layers that it shares with further heads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ablate.nn.network import Block, Chain, Map, Tap
from ablate.nn.population import set_population_statistics


@dataclass(frozen=True)
class HeadShape:
    """What a head is to be: its name, how many outputs it has, the hidden layers it shares."""

    name: str
    outputs: int
    shared: int


class Head(nn.Module):
    """Blocks of its own behind what the first `shared` blocks of a network give.

    Blocks are called `NAME.layer3`, ..., `NAME.output`: random streams are named by them, so that
    no head moves what the network or another head draws.
    """

    def __init__(self, name: str, shared: int, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.name, self.shared = name, shared
        self.chain = tuple(blocks)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs (R, B, K) of what the shared blocks give."""
        for block in self.chain:
            x = block(x, x)  # no block of a head has a shortcut
        return x


class Headed(Chain):
    """A chain, and heads that branch off it.

    It predicts, is probed and is counted as the chain alone: heads take part in training only.
    """

    def __init__(
        self, blocks: Sequence[Block], multiply_adds: int, population: bool, heads: Sequence[Head]
    ) -> None:
        super().__init__(blocks, multiply_adds, population)
        self.heads = tuple(heads)
        self.registered = nn.ModuleList(heads)

    def all_outputs(self, x: Tensor, tap: Tap | None = None) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the task's outputs (R, B, K) of x (R, B, *inputs), and those of each head."""
        received = self._received(x, len(self.chain), tap)
        return received[-1], self._of_heads(received)

    def outputs_beside(self, x: Tensor) -> Mapping[str, Tensor]:
        """Return the outputs of each head alone: what only the task needs is not computed."""
        return self._of_heads(self._received(x, max(head.shared for head in self.heads), None))

    @property
    def maps(self) -> Sequence[Map]:
        """Return the linear maps of the chain, and those of its heads."""
        of_chain = super().maps
        reads = of_chain[0].reads
        blocks = (block for head in self.heads for block in head.chain)
        return [*of_chain, *(Map(block.name, block.linear, reads) for block in blocks)]

    def predicting(self) -> Iterator[nn.Parameter]:
        """Yield the chain's own parameters: no prediction of the task takes those of heads."""
        return self.blocks.parameters()

    def settle_statistics(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Take population statistics, in the heads' own layers as well."""
        if self.population:
            set_population_statistics(self, batches, self.all_outputs)

    def _received(self, x: Tensor, blocks: int, tap: Tap | None) -> list[Tensor]:
        """Return x, and what each of the first blocks makes of it."""
        received, kept = [x], x
        for block in self.chain[:blocks]:
            kept = received[-1] if block.opens else kept
            received.append(block(received[-1], kept, tap))
        return received

    def _of_heads(self, received: Sequence[Tensor]) -> Mapping[str, Tensor]:
        return {head.name: head(received[head.shared]) for head in self.heads}
