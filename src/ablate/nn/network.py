"""What training knows of its networks, and the chain of blocks that this package's are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from ablate.nn.activations import ELEMENTWISE
from ablate.nn.dropout import DropConnect, Masks
from ablate.nn.layers import Activate, Conv2d, Linear, Shortcut
from ablate.nn.norms import BatchNorm
from ablate.nn.population import set_population_statistics
from ablate.streams import Streams

#: Told each hidden layer's name, what goes into its activation, and what comes out.
Tap = Callable[[str, Tensor, Tensor], None]


class Network(nn.Module):
    """R networks of one shape as one program: logits (R, B, classes) of inputs (R, B, *inputs).

    Whose code it is, nobody has to ask: a subclass calls `forward(x, tap)`, seeds its dropout, and
    knows how it is probed. Parameters and buffers are (R, ...).

    drops          the modules that drop something in training
    layer_names    of the hidden layers, in order
    saturation     per hidden layer what marks its saturated activations, None where it has none
    multiply_adds  of one example through one network
    """

    drops: type[nn.Module] = Masks
    layer_names: tuple[str, ...]
    saturation: tuple[Callable[[Tensor], Tensor] | None, ...]
    multiply_adds: int

    @property
    def probed_weights(self) -> tuple[Tensor, ...]:
        """The weights (R, ...) in front of each hidden layer's activation."""
        raise NotImplementedError

    @property
    def parts(self) -> tuple[tuple[Network, slice], ...]:
        """What the probe looks at one after the other, with the replicates that each holds."""
        return ((self, slice(None)),)

    def seed_dropout(self, streams: Sequence[Streams], device: str) -> None:
        """Give everything that drops the streams of the replicates; training needs it."""
        raise NotImplementedError

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Dropout off, batch statistics on and not tracked; afterwards everything as it was."""
        raise NotImplementedError
        yield

    def settle_statistics(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Before a look at inference: take population statistics where the model asks for them.

        batches  gives the inputs (R, B, *inputs) of the training split afresh
        """

    @contextmanager
    def dropout_at_inference(self) -> Iterator[None]:
        """Put dropout to work in evaluation mode, for Monte-Carlo averages; then train again."""
        self.eval()
        for module in self.modules():
            if isinstance(module, self.drops):
                module.train()
        try:
            yield
        finally:
            self.train()


class Block(nn.Module):
    """A linear map, then what stands between it and the next: norm, activation, pool, dropout.

    before      what the input passes first (flattening, padding, input dropout)
    linear      `Linear` or `Conv2d`
    norm        in front of the activation, or behind it where `norm_after` says so
    after       what follows the activation (pooling, dropout)
    connect     drops weights of `linear`
    opens       its input is kept for the shortcut of this block or a later one
    shortcut    of what was kept last, added in front of the activation
    """

    def __init__(
        self,
        name: str,
        before: Sequence[nn.Module],
        linear: Linear | Conv2d,
        norm: nn.Module | None = None,
        activation: Activate | None = None,
        after: Sequence[nn.Module] = (),
        norm_after: bool = False,
        connect: DropConnect | None = None,
        opens: bool = False,
        shortcut: Shortcut | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.before = nn.Sequential(*before)
        self.linear, self.norm, self.activation = linear, norm, activation
        self.after = nn.Sequential(*after)
        self.norm_after, self.connect = norm_after, connect
        self.opens, self.shortcut = opens, shortcut

    def forward(self, x: Tensor, kept: Tensor, tap: Tap | None = None) -> Tensor:
        """Return what the next block receives; `kept` is what the last opening block received."""
        weight = None if self.connect is None else self.connect(self.linear.weight)
        z: Tensor = self.linear(self.before(x), weight)
        if self.activation is None:
            return z  # the output layer
        if self.norm is not None and not self.norm_after:
            z = self.norm(z)
        z = self.joined(z, kept)
        h = self.activation(z)
        if tap is not None:
            tap(self.name, z, h)
        if self.norm is not None and self.norm_after:
            h = self.norm(h)
        result: Tensor = self.after(h)
        return result

    def joined(self, z: Tensor, kept: Tensor) -> Tensor:
        """Return z with the shortcut added, where the block has one."""
        if self.shortcut is None:
            return z
        added: Tensor = self.shortcut(kept)
        return z + added


class Chain(Network):
    """Blocks `layer1`, `layer2`, ... and `output`.

    population  batch normalization predicts by statistics of the whole training split
    """

    def __init__(
        self, blocks: Sequence[Block], multiply_adds: int = 0, population: bool = False
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.multiply_adds, self.population = multiply_adds, population
        self.layer_names = tuple(block.name for block in blocks[:-1])
        activations = [block.activation for block in blocks[:-1]]
        self.saturation = tuple(ELEMENTWISE[a.name].saturated if a else None for a in activations)

    @property
    def chain(self) -> tuple[Block, ...]:
        """The blocks, in order; the last is the output layer."""
        return tuple(block for block in self.blocks if isinstance(block, Block))

    @property
    def probed_weights(self) -> tuple[Tensor, ...]:
        """The weights (R, ...) of each hidden layer."""
        return tuple(block.linear.weight for block in self.chain[:-1])

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return logits (R, B, classes) of x (R, B, *inputs)."""
        kept = x
        for block in self.chain:
            kept = x if block.opens else kept
            x = block(x, kept, tap)
        return x

    def seed_dropout(self, streams: Sequence[Streams], device: str) -> None:
        """Start the masks of every replicate from the beginning of its streams."""
        for module in self.modules():
            if isinstance(module, Masks):
                module.seed(streams, device)

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Dropout off, batch statistics on and not tracked; afterwards everything as it was."""
        modes = {module: module.training for module in self.modules()}
        norms = [module for module in modes if isinstance(module, BatchNorm)]
        try:
            self.eval()
            for norm in norms:
                norm.training, norm.track = True, False
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            for norm in norms:
                norm.track = True

    def settle_statistics(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Take population statistics where the model asks for them."""
        if self.population:
            set_population_statistics(self, batches)


def parameter_count(network: Network) -> int:
    """Return the trainable numbers of one replicate."""
    return sum(parameter[0].numel() for parameter in network.parameters())
