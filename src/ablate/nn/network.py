"""What training knows of its networks, and the chain of blocks that this package's are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn

from ablate.nn.activations import ELEMENTWISE
from ablate.nn.dropout import Dropout
from ablate.nn.layers import Activate, Conv2d, Linear, Shortcut
from ablate.nn.norms import BatchNorm
from ablate.nn.population import set_population_statistics
from ablate.streams import Streams


class Map(NamedTuple):
    """A linear map by its name, and the activation whose outputs it reads (`linear`: none)."""

    name: str
    linear: Linear | Conv2d
    reads: str


#: Told each hidden layer's name, what goes into its activation, and what comes out.
Tap = Callable[[str, Tensor, Tensor], None]


class Network(nn.Module):
    """R networks of one shape as one program: logits (R, B, classes) of inputs (R, B, *inputs).

    Whose code it is, nobody has to ask: a subclass calls `forward(x, tap)`, and knows how it is
    probed. Parameters and buffers are (R, ...).

    population      batch normalization predicts by statistics of the whole training split
    drops, norms    its modules that drop something in training, and that normalize by the batch
    layer_names     of the hidden layers, in order
    probed_weights  (R, ...) in front of each hidden layer's activation
    saturation      per hidden layer what marks its saturated activations, None where it has none
    multiply_adds   of one example through one network
    """

    population = False
    drops: type[nn.Module] | tuple[type[nn.Module], ...] = Dropout
    norms: type[nn.Module] = BatchNorm
    layer_names: tuple[str, ...]
    probed_weights: tuple[Tensor, ...]
    saturation: tuple[Callable[[Tensor], Tensor] | None, ...]
    multiply_adds: int

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Return what is penalized and decays, (R, ...) by name: at least matrices."""
        return {name: p for name, p in self.named_parameters() if p.ndim > 2}

    @property
    def maps(self) -> Sequence[Map]:
        """Return the linear maps that a scheme initializes; none of a model of the user's own."""
        return ()

    @property
    def embeddings(self) -> Sequence[tuple[str, Tensor]]:
        """Return the weights (R, entries, W) of embeddings by name, N(0, 1) whatever the scheme."""
        return ()

    @property
    def first_map(self) -> Tensor | None:
        """Return the weight (R, in, out) of a linear map of the inputs; None where none is known.

        The order of the inputs is that of `x.flatten(2)`.
        """
        return None

    @property
    def parts(self) -> tuple[tuple[Network, slice], ...]:
        """What the probe looks at one after the other, with the replicates that each holds."""
        return ((self, slice(None)),)

    def predicting(self) -> Iterator[nn.Parameter]:
        """Yield the parameters (R, ...) that a prediction takes."""
        return self.parameters()

    def seed_dropout(self, streams: Sequence[Streams], device: str) -> None:
        """Start the masks of every replicate from the beginning of its streams."""
        for module in self.modules():
            if isinstance(module, Dropout):
                module.seed(streams, device)

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Dropout off, batch statistics on; afterwards modes and buffers as they were."""
        modes = {module: module.training for module in self.modules()}
        buffers = [(buffer, buffer.clone()) for buffer in self.buffers()]
        try:
            self.eval()
            for module in modes:
                if isinstance(module, self.norms):
                    module.training = True
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            for buffer, before in buffers:
                buffer.copy_(before)

    def settle_statistics(self, batches: Callable[[], Iterable[Tensor]]) -> None:
        """Before a look at inference: take population statistics where the model asks for them.

        batches  gives the inputs (R, B, *inputs) of the training split afresh
        """
        if self.population:
            set_population_statistics(self, batches)

    @contextmanager
    def dropout_at_inference(self) -> Iterator[None]:
        """Put dropout to work in evaluation mode, for Monte-Carlo averages; then train again.

        What drops nothing while training, in a frozen part, does not begin to here.
        """
        self.train()
        dropping = [m for m in self.modules() if isinstance(m, self.drops) and m.training]
        self.eval()
        for module in dropping:
            module.training = True
        try:
            yield
        finally:
            self.train()


class Block(nn.Module):
    """A linear map, what units pass in front of it, and behind it norm, activation and pool.

    before      what the input passes first (dropout, padding, flattening)
    linear      `Linear` or `Conv2d`
    connect     drops weights of `linear`
    norm        in front of the activation, or behind it where `norm_after` says so
    pool        follows the activation
    opens       its input is kept for the shortcut of this block or a later one
    shortcut    of what was kept last, added in front of the activation
    """

    def __init__(
        self,
        name: str,
        before: Sequence[nn.Module],
        linear: Linear | Conv2d,
        connect: Dropout | None = None,
        norm: nn.Module | None = None,
        activation: Activate | None = None,
        pool: nn.Module | None = None,
        norm_after: bool = False,
        opens: bool = False,
        shortcut: Shortcut | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.before = nn.Sequential(*before)
        self.linear, self.connect, self.norm = linear, connect, norm
        self.activation, self.pool = activation, pool
        self.norm_after, self.opens, self.shortcut = norm_after, opens, shortcut

    def forward(self, x: Tensor, kept: Tensor, tap: Tap | None = None) -> Tensor:
        """Return what the next block receives; `kept` is what the last opening block received."""
        weight = None if self.connect is None else self.connect(self.linear.weight)
        z: Tensor = self.linear(self.before(x), weight)
        if self.activation is None:
            return z  # the output layer
        if self.norm is not None and not self.norm_after:
            z = self.norm(z)
        z = self.joined(z, kept)
        h: Tensor = self.activation(z)
        if tap is not None:
            tap(self.name, z, h)
        if self.norm is not None and self.norm_after:
            h = self.norm(h)
        return h if self.pool is None else self.pool(h)

    def joined(self, z: Tensor, kept: Tensor) -> Tensor:
        """Return z with the shortcut added, where the block has one."""
        return z if self.shortcut is None else z + self.shortcut(kept)


class Chain(Network):
    """Blocks `layer1`, `layer2`, ... and `output`."""

    def __init__(self, blocks: Sequence[Block], multiply_adds: int, population: bool) -> None:
        super().__init__()
        self.chain = tuple(blocks)  # in order; the last is the output layer
        self.blocks = nn.ModuleList(blocks)
        self.frozen: tuple[nn.Parameter, ...] = ()
        self.multiply_adds, self.population = multiply_adds, population
        hidden = [(block, block.activation) for block in blocks if block.activation is not None]
        self.layer_names = tuple(block.name for block, _ in hidden)
        self.probed_weights = tuple(block.linear.weight for block, _ in hidden)
        self.saturation = tuple(ELEMENTWISE[activation.name].saturated for _, activation in hidden)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Return the weight of every block by its name, the output layer's last."""
        return {block.name: block.linear.weight for block in self.chain}

    @property
    def maps(self) -> Sequence[Map]:
        """Return every block's linear map; the gain of the first is the others', as is usual."""
        first = self.chain[0].activation
        reads = "linear" if first is None else first.name
        return [Map(block.name, block.linear, reads) for block in self.chain]

    @property
    def first_map(self) -> Tensor | None:
        """Return the first block's weight where that is a linear map."""
        first = self.chain[0].linear
        return first.weight if isinstance(first, Linear) else None

    def freeze(self, layers: int) -> None:
        """Hold the first blocks as they are: no step changes their parameters and buffers."""
        self.frozen = tuple(p for block in self.chain[:layers] for p in block.parameters())
        for parameter in self.frozen:
            parameter.requires_grad_(False)
        for block in self.chain[:layers]:
            if isinstance(block.norm, BatchNorm):
                block.norm.is_frozen = True

    @contextmanager
    def probing(self) -> Iterator[None]:
        """As of every network; frozen weights have the gradients that they would move by."""
        with super().probing():
            for parameter in self.frozen:
                parameter.requires_grad_(True)
            try:
                yield
            finally:
                for parameter in self.frozen:
                    parameter.requires_grad_(False)

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return logits (R, B, classes) of x (R, B, *inputs)."""
        kept = x
        for block in self.chain:
            kept = x if block.opens else kept
            x = block(x, kept, tap)
        return x


def parameter_count(network: Network) -> int:
    """Return the trainable numbers of one replicate that a prediction takes.

    What heads have of their own is left out: without them the network predicts the same.
    """
    return sum(parameter[0].numel() for parameter in network.predicting())
