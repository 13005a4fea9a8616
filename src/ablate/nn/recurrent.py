"""Long short-term memory with a leading replicate dimension R; tokens are (R, B * T, W)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ablate.nn.activations import sigmoid
from ablate.nn.layers import Linear

#: Added to what the forget gates see, so that memory lasts at first (Gers et al. 2000).
_FORGET = 1.0


class LstmLayer(nn.Module):
    """c = f c + i g, h = o tanh(c) from gates i, f, o and g of x W + h U + b.

    Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; h and c begin with 0.
    """

    def __init__(self, replicates: int, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.input = Linear(replicates, inputs, 4 * width)
        self.hidden = Linear(replicates, width, 4 * width, with_bias=False)

    def forward(
        self, x: Float[Tensor, "R N I"], length: int
    ) -> tuple[Float[Tensor, "R N W"], Float[Tensor, "R N W"]]:
        """Return memory c and output h of each of N = B * T tokens, in sequences of `length` T."""
        replicates, tokens, _ = x.shape
        given = self.input(x).view(replicates, tokens // length, length, 4 * self.width)
        h = c = given.new_zeros(replicates, tokens // length, self.width)
        memories, outputs = [], []
        for own in given.unbind(dim=2):
            i, f, o, g = (own + self.hidden(h)).chunk(4, dim=2)
            c = sigmoid(f + _FORGET) * c + sigmoid(i) * torch.tanh(g)
            h = sigmoid(o) * torch.tanh(c)
            memories.append(c)
            outputs.append(h)
        return self._in_order(memories), self._in_order(outputs)

    def _in_order(self, steps: list[Tensor]) -> Tensor:
        return torch.stack(steps, dim=2).flatten(1, 2)
