"""Data of one's own."""

import torch

import ablate


def rings(examples=240, noise=0.1, classes=0, held_out=False, images=False):
    """Points on three rings, or the same as 1 x 4 x 4 images."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(examples) % 3
    angle = 6.2832 * torch.rand(examples, generator=generator)
    x = torch.stack([angle.cos(), angle.sin()], 1) * (1 + y[:, None])
    x = x + noise * torch.randn(x.shape, generator=generator)
    if images:
        x = (x @ torch.randn(2, 16, generator=generator)).view(-1, 1, 4, 4)
    train, test = slice(0, 2 * examples // 3), slice(2 * examples // 3, examples)
    validation = (x[test][:40], y[test][:40]) if held_out else None
    return ablate.Data((x[train], y[train]), validation, (x[test], y[test]), classes)


def doubles():
    data = rings()
    return ablate.Data((data.train[0].double(), data.train[1]), None, data.test)


def short_labels():
    data = rings()
    return ablate.Data((data.train[0], data.train[1][:-1]), None, data.test)


def too_many_labels():
    return rings(classes=2)


def other_test_shape():
    data = rings()
    return ablate.Data(data.train, None, (data.test[0][:, :1], data.test[1]))


def not_finite():
    data = rings()
    data.train[0][3, 1] = float("nan")
    return data


def a_pair():
    return rings().train
