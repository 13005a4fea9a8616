"""Models of one's own of many kinds: what they return, and how their weights come about."""

import math
from dataclasses import dataclass

import torch
from torch import nn


class Mapped(nn.Module):
    """Returns a mapping; its second head is for nobody here."""

    def __init__(self, inputs, classes, output="none of yours"):
        super().__init__()
        self.first, self.act = nn.Linear(math.prod(inputs), 8), nn.ReLU()
        self.last, self.other = nn.Linear(8, classes), nn.Linear(8, 2)
        self.other_act = nn.ReLU()

    def forward(self, x):
        h = self.act(self.first(x.flatten(1)))
        return {"hidden": h, "other": self.other_act(self.other(h)), "logits": self.last(h)}


class Paired(Mapped):
    def forward(self, x):
        found = super().forward(x)
        return found["logits"], found["hidden"]


class Nested(Mapped):
    def forward(self, x):
        return {"all": super().forward(x)}


class PairedInTraining(Mapped):
    """As networks with auxiliary heads do it."""

    def forward(self, x):
        found = super().forward(x)
        return (found["logits"], found["other"]) if self.training else found["logits"]


@dataclass
class Found:
    logits: torch.Tensor
    hidden: torch.Tensor


class AsDataclass(Mapped):
    def forward(self, x):
        found = super().forward(x)
        return Found(found["logits"], found["hidden"])


class Alone(Mapped):
    def forward(self, x):
        return super().forward(x)["logits"]


class Recurrent(nn.Module):
    """An LSTM, which returns a tuple; two features are a step."""

    def __init__(self, inputs, classes, dropout=0.0):
        super().__init__()
        self.rnn = nn.LSTM(2, 8, num_layers=2, batch_first=True, dropout=dropout)
        self.act, self.last = nn.Tanh(), nn.Linear(8, classes)

    def forward(self, x):
        steps, _ = self.rnn(x.flatten(1).view(len(x), -1, 2))
        return self.last(self.act(steps[:, -1]))


class OwnCell(nn.Module):
    """A layer with a matrix called weight that returns a pair."""

    def __init__(self, units):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(units))

    def forward(self, h):
        return h @ self.weight, h


class WithOwnCell(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.first, self.cell = nn.Linear(math.prod(inputs), 8), OwnCell(8)
        self.last = nn.Linear(8, classes)

    def forward(self, x):
        return self.last(torch.relu(self.cell(self.first(x.flatten(1)))[0]))


class PartlyFrozen(Alone):
    """Frozen when it is made, with a norm that keeps counting."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.norm = nn.BatchNorm1d(math.prod(inputs))
        self.first.requires_grad_(False)

    def forward(self, x):
        return super().forward(self.norm(x.flatten(1)))


class TiedEnds(nn.Module):
    """Reads and writes by one matrix, as language models do."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.first = nn.Linear(math.prod(inputs), classes)
        self.middle = nn.Linear(classes, classes)
        self.last = nn.Linear(classes, classes)
        self.last.weight = self.middle.weight

    def forward(self, x):
        return self.last(torch.tanh(self.middle(torch.tanh(self.first(x.flatten(1))))))


class Lazy(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first, self.norm, self.act = nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU()
        self.last = nn.LazyLinear(classes)

    def forward(self, x):
        return self.last(self.act(self.norm(self.first(x.flatten(1)))))


class LazyByName(Lazy):
    """Draws by the names of its layers."""

    def __init__(self, classes, extra=False):
        if extra:
            super(Lazy, self).__init__()
            self.before = nn.LazyLinear(4)
            first = self.before
        super().__init__(classes)
        if extra:
            self.before = first

    def forward(self, x):
        if hasattr(self, "before"):
            self.before(x.flatten(1))
        return super().forward(x)

    def reset_parameters(self):
        nn.init.zeros_(self.last.bias)


class OwnStart(Alone):
    """Starts from weights of its own choice."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        nn.init.orthogonal_(self.first.weight)
        nn.init.constant_(self.first.bias, 0.25)


class Counts(Alone):
    """Keeps numbers that no optimizer sees: a mean, and how often it was trained."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.register_buffer("mean", torch.zeros(math.prod(inputs)))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        x = x.flatten(1)
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * x.mean(0).detach())
            self.steps += 1
        return super().forward(x - self.mean)


class Speaker(nn.Module):
    """Reads tokens, and says something at each."""

    def __init__(self, outputs, vocabulary, width=8):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.read = nn.GRU(width, width, batch_first=True)
        self.act, self.say = nn.Tanh(), nn.Linear(width, outputs)

    def forward(self, x):
        return self.say(self.act(self.read(self.embed(x))[0]))


class Listener(Speaker):
    """Says something at the end alone."""

    def forward(self, x):
        return super().forward(x)[:, -1]
