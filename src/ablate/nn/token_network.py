"""Networks over sequences of tokens, x int64 (R, B, T).

Every token is an example to what lies between attention or memory: activations are (R, B * T, W),
so that linear maps, norms, dropout and the probe are those of all networks here.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ablate.config.model import Lstm, TokenConfig, Transformer
from ablate.nn.activations import ELEMENTWISE
from ablate.nn.architectures import Shape, multiply_adds, usual_pieces
from ablate.nn.attention import Attention
from ablate.nn.dropout import Dropout
from ablate.nn.layers import Activate, Linear
from ablate.nn.network import Map, Network, Tap
from ablate.nn.norms import build_norm
from ablate.nn.recurrent import LstmLayer


class TokenNetwork(Network):
    """An embedding, layers, and the output layer: at each token, or at the last one of a sequence.

    Outputs are (R, B, T, K) or (R, B, K).
    """

    def __init__(self, config: TokenConfig, shape: Shape, outputs: int, replicates: int) -> None:
        super().__init__()
        (length,) = shape.inputs
        self.per_token = shape.per_token
        self.embedding = Embedding(replicates, shape.vocabulary, config.width)
        self.positions = None
        if isinstance(config, Transformer) and config.positions == "learned":
            self.positions = Embedding(replicates, length, config.width)
        self.drop = _dropout(config, config.input_dropout, "input")
        numbers = range(1, 1 + config.depth)
        self.layers: Sequence[_TransformerLayer | _LstmLayer]
        if isinstance(config, Lstm):
            self.layers = [_LstmLayer(config, f"layer{n}", replicates) for n in numbers]
        else:
            self.layers = [_TransformerLayer(config, f"layer{n}", replicates) for n in numbers]
        self.registered = nn.ModuleList(self.layers)
        pre = isinstance(config, Transformer) and config.placement == "pre"
        self.norm = _norm(config, replicates) if pre else None
        self.output = Linear(replicates, config.width, outputs)
        self.layer_names = tuple(layer.name for layer in self.layers)
        self.probed_weights = tuple(layer.probed_weight for layer in self.layers)
        self.saturation = tuple(layer.saturated for layer in self.layers)
        self.multiply_adds = multiply_adds(config, shape, outputs)

    @property
    def maps(self) -> Sequence[Map]:
        """Return every linear map; embeddings are none."""
        inner = [own for layer in self.layers for own in layer.maps]
        return [*inner, Map("output", self.output, "linear")]

    @property
    def embeddings(self) -> Sequence[tuple[str, Tensor]]:
        """Return the weights (R, entries, W) of embeddings by name."""
        found = [("embedding", self.embedding.weight)]
        if self.positions is not None:
            found.append(("positions", self.positions.weight))
        return found

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Return outputs (R, B, T, K), or (R, B, K) of whole sequences, of tokens x (R, B, T)."""
        replicates, batch, length = x.shape
        h = self.embedding(x)
        if self.positions is not None:
            h = h + self.positions(torch.arange(length, device=x.device).expand_as(x))
        h = self.drop(h)
        for layer in self.layers:
            h = layer(h, length, tap)
        if not self.per_token:
            h = h.view(replicates, batch, length, -1)[:, :, -1]
        y: Tensor = self.output(h if self.norm is None else self.norm(h))
        return y.view(replicates, batch, length, -1) if self.per_token else y


class Embedding(nn.Module):
    """A row of numbers for each of V entries; weight (R, V, W), N(0, 1) at first."""

    def __init__(self, replicates: int, entries: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(replicates, entries, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows (R, B * T, W) of entries x, int64 (R, B, T)."""
        replicates, entries, _ = self.weight.shape
        first = torch.arange(replicates, device=x.device).view(-1, 1, 1) * entries
        rows = functional.embedding((x + first).flatten(1), self.weight.flatten(0, 1))
        return rows


class _TransformerLayer(nn.Module):
    """Attention, then an mlp of one hidden layer, each added to what it read."""

    def __init__(self, config: Transformer, name: str, replicates: int) -> None:
        super().__init__()
        self.name, self.pre = name, config.placement == "pre"
        width, hidden = config.width, config.width * config.expansion
        pieces = usual_pieces(config)
        self.attention = Attention(replicates, width, config.heads, config.positions == "rotary")
        self.hidden = Linear(replicates, width, hidden * pieces)
        self.activation = Activate(config.activation, replicates, hidden, pieces)
        self.output = Linear(replicates, hidden, width)
        self.norms = nn.ModuleList([_norm(config, replicates) for _ in range(2)])
        self.drops = nn.ModuleList(
            [_dropout(config, config.dropout, f"{name}.{part}") for part in ("attention", "mlp")]
        )
        self.probed_weight = self.hidden.weight
        self.saturated = ELEMENTWISE[config.activation].saturated

    @property
    def maps(self) -> Sequence[Map]:
        attention = ("query", "key", "value", "output")
        parts = [(f"attention.{own}", getattr(self.attention, own), "linear") for own in attention]
        parts += [("hidden", self.hidden, "linear"), ("output", self.output, self.activation.name)]
        return [Map(f"{self.name}.{part}", own, before) for part, own, before in parts]

    def forward(self, x: Tensor, length: int, tap: Tap | None) -> Tensor:
        def mlp(read: Tensor) -> Tensor:
            z = self.hidden(read)
            h = self.activation(z)
            if tap is not None:
                tap(self.name, z, h)
            y: Tensor = self.output(h)
            return y

        def attention(read: Tensor) -> Tensor:
            y: Tensor = self.attention(read, length)
            return y

        branches: tuple[Callable[[Tensor], Tensor], ...] = (attention, mlp)
        for branch, norm, drop in zip(branches, self.norms, self.drops, strict=True):
            x = x + drop(branch(norm(x))) if self.pre else norm(x + drop(branch(x)))
        return x


class _LstmLayer(nn.Module):
    def __init__(self, config: Lstm, name: str, replicates: int) -> None:
        super().__init__()
        self.name = name
        self.memory = LstmLayer(replicates, config.width, config.width)
        self.drop = _dropout(config, config.dropout, name)
        self.probed_weight = self.memory.hidden.weight
        self.saturated = ELEMENTWISE["tanh"].saturated

    @property
    def maps(self) -> Sequence[Map]:
        return [
            Map(f"{self.name}.input", self.memory.input, "linear"),
            Map(f"{self.name}.hidden", self.memory.hidden, "linear"),
        ]

    def forward(self, x: Tensor, length: int, tap: Tap | None) -> Tensor:
        c, h = self.memory(x, length)
        if tap is not None:
            tap(self.name, c, h)
        y: Tensor = self.drop(h)
        return y


def _norm(config: TokenConfig, replicates: int) -> nn.Module:
    norm = build_norm(config, replicates, config.width) if isinstance(config, Transformer) else None
    return nn.Identity() if norm is None else norm


def _dropout(config: TokenConfig, p: float, name: str) -> nn.Module:
    return Dropout(p, name, config.dropout_kind) if p else nn.Identity()
