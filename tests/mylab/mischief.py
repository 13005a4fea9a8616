"""Code of one's own that does what nobody thought of."""

import itertools
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import ablate
from mylab.nets import Net


class Overwrites(Net):
    """Works on its input in place, or on a copy."""

    def __init__(self, inputs, classes, in_place=True):
        super().__init__(inputs, classes)
        self.in_place = in_place

    def forward(self, x):
        return super().forward(x.mul_(2) if self.in_place else 2 * x)


def overwriting_loss(logits, labels, in_place=True):
    if not in_place:
        logits, labels = logits.clone(), labels.clone()
    logits *= 2
    labels[:] = labels.flip(0)
    return functional.cross_entropy(logits, labels)


def overwriting_fit(config, data, streams):
    seen = sum(float(part.double().sum()) for pair in (data.train, data.test) for part in pair)
    seen += float(data.validation[0].double().sum())
    for x, y in (data.train, data.validation, data.test):
        x.zero_()
        y.zero_()
    config.trainer.arguments.clear()
    return {"seen": seen}


def overwriting_metric(logits, labels):
    value = float((logits.argmax(1) == labels).float().mean())
    logits.zero_()
    labels.zero_()
    return value


def drawn():
    """Return a number of each global generator, between 0 and 1."""
    return (torch.rand(()).item() + np.random.rand() + random.random()) / 3  # noqa: NPY002


class Draws(Net):
    """Draws when it is made and in every pass of training."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.factor = 1 + drawn()

    def forward(self, x):
        return super().forward(x) * (self.factor * drawn() if self.training else 1)


class NumpyDraws(Net):
    def forward(self, x):
        return super().forward(x) * (np.random.rand() if self.training else 1)  # noqa: NPY002


def drawing_augment(images):
    return images * (1 + drawn())


def drawing_loss(logits, labels):
    return functional.cross_entropy(logits, labels) * (1 + drawn())


class DrawingDescent(torch.optim.SGD):
    def __init__(self, params, lr, shrink=0.5):
        super().__init__(params, lr=lr * (1 + drawn()))
        self.param_groups[0]["shrink"] = shrink  # a word of its own

    def step(self, closure=None):
        self.param_groups[0]["lr"] *= 1 + drawn()
        return super().step(closure)


class Descent(torch.optim.SGD):
    def __init__(self, params, lr, shrink=0.0):
        super().__init__(params, lr=lr)
        self.param_groups[0]["shrink"] = shrink


def drawing_metric(logits, labels):
    return drawn()


def drawing_fit(config, data, streams):
    return {"drawn": drawn()}


def drawing_data():
    x = torch.randn(60, 4) + drawn()
    y = torch.arange(60) % 3
    return ablate.Data((x[:40], y[:40]), None, (x[40:], y[40:]))


_CALLS = itertools.count()


def counting_data():
    data = drawing_data()
    return ablate.Data((data.train[0] + next(_CALLS), data.train[1]), None, data.test)


def counting_fit(config, data, streams):
    return {"calls": next(_CALLS), "examples": len(data.train[1])}


def unseeded_augment(images):
    return images + np.random.default_rng().random()


class FunctionDropout(nn.Module):
    """Dropout as a function beside one as a module."""

    def __init__(self, inputs, classes, module=0.0, function=0.5, always=False):
        super().__init__()
        self.first, self.last = nn.Linear(inputs[0], 16), nn.Linear(16, classes)
        self.drop, self.p, self.always = nn.Dropout(module), function, always

    def forward(self, x):
        h = self.drop(self.first(x).relu())
        return self.last(functional.dropout(h, self.p, self.training or self.always))


class Frozen(Net):
    """Its body is frozen, as many say in `train`."""

    def train(self, mode=True):
        super().train(mode)
        self.first.requires_grad_(False)
        self.second.requires_grad_(False)
        return self


class Auxiliary(Net):
    def forward(self, x):
        logits = super().forward(x)
        return (logits, logits) if self.training else logits


class Squeezes(Net):
    """Loses the dimension of a batch of one."""

    def forward(self, x):
        return super().forward(x).squeeze()


class Detached(Net):
    def forward(self, x):
        return super().forward(x).detach()


class Transposed(Net):
    """Two parameters over the same memory."""

    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.second.weight = nn.Parameter(self.second.weight.t())
        self.again = nn.Parameter(self.second.weight.data.t())


class TiedBuffers(Net):
    def __init__(self, inputs, classes):
        super().__init__(inputs, classes)
        self.register_buffer("one", torch.ones(1))
        self.register_buffer("other", self.one)


def factory(**kwargs):
    return Net((2,), **kwargs)


class TakesLists(Net):
    def __init__(self, inputs, classes, widths):
        widths.append(classes)
        super().__init__(inputs, classes, width=widths[0])


def leaves_a_mess(config, data, streams):
    import os

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    os.chdir("/")
    return {"score": 1.0}


def takes_a_list(numbers):
    return numbers.pop()


class OneStart(Net):
    """Sets a seed of its own."""

    def __init__(self, inputs, classes):
        torch.manual_seed(0)
        super().__init__(inputs, classes)


def no_augment(images):
    return images


class RateOfItsOwn(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {})
        self.lr = lr

    @torch.no_grad()
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.sub_(self.lr * p.grad)
