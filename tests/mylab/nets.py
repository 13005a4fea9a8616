"""Models of one's own: plain torch, no replicate dimension."""

import math

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, classes, width=16, norm=False, dropout=0.0, inplace=False):
        super().__init__()
        self.first = nn.Linear(math.prod(inputs), width)
        self.norm = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.act = nn.ReLU(inplace=inplace)
        self.drop = nn.Dropout(dropout)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, classes)

    def forward(self, x):
        h = self.drop(self.act(self.norm(self.first(x.flatten(1)))))
        return self.last(self.act(self.second(h)))  # one activation, called twice


class Renamed(Net):
    """Draws by the names of its submodules."""

    def __init__(self, inputs, classes, extra=False):
        if extra:
            self.unused = None
        super().__init__(inputs, classes)
        if extra:
            self.more = nn.Linear(3, 3)

    def reset_parameters(self):
        nn.init.zeros_(self.last.bias)


class Functional(nn.Module):
    """Calls a function where others have a module."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.first, self.last = nn.Linear(math.prod(inputs), 8), nn.Linear(8, classes)

    def forward(self, x):
        return self.last(torch.relu(self.first(x.flatten(1))))


class Flat(nn.Linear):
    """No hidden layer: nothing to probe."""

    def __init__(self, inputs, classes):
        super().__init__(math.prod(inputs), classes)


class TooWide(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes + 1)


class Fixed(Net):
    """Takes examples of ten features only."""

    def __init__(self, classes):
        super().__init__((10,), classes)


class Undecided(Net):
    """Takes a path that depends on its numbers."""

    def forward(self, x):
        return super().forward(x if x.sum() > 0 else 2 * x)


class Tied(nn.Module):
    """Uses the same weights twice, and keeps a number that no optimizer sees."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.first = nn.Linear(math.prod(inputs), 8)
        self.second, self.third = nn.Linear(8, 8), nn.Linear(8, 8)
        self.third.weight = self.second.weight
        self.last = nn.Linear(8, classes)
        self.register_buffer("scale", torch.full((1,), 0.5))

    def forward(self, x):
        h = torch.relu(self.first(x.flatten(1)))
        return self.last(torch.tanh(self.third(torch.tanh(self.second(h)))) * self.scale)


class TooLarge(Net):
    """Needs more memory than the device has, once it is to train."""

    def forward(self, x):
        if torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(x)


class Leaves(Net):
    def __init__(self, inputs, classes):
        raise SystemExit(3)


def no_module(inputs, classes):
    return inputs, classes


NUMBER = 3
