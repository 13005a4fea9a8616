"""Data of one's own."""

from pathlib import Path

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


def shapes(how="well", examples=240):
    """Rings, with how far out each point lies and whether it is above and on the right."""
    data = rings(examples, held_out=how == "held out")
    parts = {"train": data.train[0], "test": data.test[0]}
    radius = {part: x.norm(dim=1) for part, x in parts.items()}
    place = {part: (x > 0).to(torch.uint8) for part, x in parts.items()}
    ring = {"train": data.train[1], "test": data.test[1]}
    if how == "short":
        radius["test"] = radius["test"][1:]
    if how == "two":
        place["train"] = place["train"] + 1
    if how == "astray":
        ring["test"] = ring["test"] + 5
    if how == "no tensor":
        radius["train"] = radius["train"].tolist()
    others = {
        "radius": ablate.Other("ranking" if how == "unknown" else "regression", **radius),
        "place": ablate.Other("multilabel", **place),
        "far out" if how == "named" else "ring": ablate.Other("classification", **ring),
    }
    if how == "a pair":
        others["radius"] = radius["train"], radius["test"]
    if how == "a list":
        others = list(others.values())
    return ablate.Data(data.train, data.validation, data.test, others=others)


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


class Marked(torch.Tensor):
    """A tensor of a kind of its own."""


def odd(how="well", classes=0):
    """Twelve examples of three classes, and one thing that is odd about them."""
    x = torch.arange(24.0).view(12, 2)
    y = torch.arange(12) % 3
    train, test = slice(0, 6), slice(6, 12)
    xs, ys = {"train": x[train], "test": x[test]}, {"train": y[train], "test": y[test]}
    change = {
        "from 1": lambda: [labels.add_(1) for labels in ys.values()],
        "one astray": lambda: ys["test"].__setitem__(0, 200),
        "only in test": lambda: ys["train"].clamp_(max=1),
        "one class": lambda: [labels.zero_() for labels in ys.values()],
        "one class in test": lambda: ys["test"].fill_(2),
        "bool labels": lambda: ys.update(train=ys["train"] > 0),
        "sparse": lambda: xs.update(train=xs["train"].to_sparse()),
        "complex": lambda: xs.update(train=xs["train"].to(torch.complex64)),
        "elsewhere": lambda: xs.update(train=xs["train"].to("meta")),
        "two types": lambda: xs.update(test=xs["test"].to(torch.uint8)),
        "the same": lambda: (xs.update(test=xs["train"]), ys.update(test=ys["train"])),
        "a gradient": lambda: xs.update(train=xs["train"].requires_grad_() * 1),
        "a subclass": lambda: xs.update(train=xs["train"].as_subclass(Marked)),
        "a parameter": lambda: xs.update(train=torch.nn.Parameter(xs["train"])),
        "turned": lambda: xs.update(train=xs["train"].T.contiguous().T),
        "well": lambda: None,
    }
    change[how]()
    return ablate.Data((xs["train"], ys["train"]), None, (xs["test"], ys["test"]), classes)


def raises():
    raise ValueError("column 'intensity' is missing\nin line 3")


def opens_nothing():
    open("nonesuch/spectra.csv")  # noqa: SIM115


def leaves():
    raise SystemExit(3)


def untested():
    return ablate.Data(rings().train, None, None)


def line(examples=240, targets=1, noise=0.1, dtype="float32", units=1.0):
    """Numbers to predict from six features, of which each target depends on three."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(examples, 6, generator=generator)
    weights = torch.randn(6, targets, generator=generator)
    y = (x * torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])) @ weights
    y = units * (y + noise * torch.randn(y.shape, generator=generator)).to(getattr(torch, dtype))
    y = y[:, 0] if targets == 1 else y
    split = 2 * examples // 3
    return ablate.Data((x[:split], y[:split]), None, (x[split:], y[split:]), task="regression")


def tags(examples=300, labels=4, dtype="uint8"):
    """Each of several tags is there where a weighted sum of features is large."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(examples, 5, generator=generator)
    y = (x @ torch.randn(5, labels, generator=generator) > 0.5).to(getattr(torch, dtype))
    split = 2 * examples // 3
    return ablate.Data((x[:split], y[:split]), None, (x[split:], y[split:]), task="multilabel")


def grades(examples=300):
    """Grades from 0 to 3, of a task of one's own."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(examples, 4, generator=generator)
    y = torch.bucketize(x.sum(dim=1), torch.tensor([-1.5, 0.0, 1.5]))
    split = 2 * examples // 3
    return ablate.Data((x[:split], y[:split]), None, (x[split:], y[split:]), task="own")


def astray(how):
    """Targets that no task of this package takes."""
    data = {"two": tags, "nan": line, "ragged": line, "unknown": line}[how]()
    (x, y), test = data.train, data.test
    if how == "two":
        y = y + 1
    if how == "nan":
        y[0] = float("nan")
    if how == "ragged":
        test = test[0], test[1][:, None].repeat(1, 2)
    return ablate.Data((x, y), None, test, task="ranking" if how == "unknown" else data.task)


def of_kind(task, kind, examples=144):
    """Examples of any kind for any task: what is to be predicted hangs on a few of their numbers.

    task  as `task.name` has it, or own: grades
    kind  features, images or tokens
    """
    generator = torch.Generator().manual_seed(4)
    shape = {"features": (12,), "images": (1, 16, 16), "tokens": (12,)}[kind]
    if kind == "tokens":
        x = torch.randint(5, (examples, *shape), generator=generator)
        x[:, ::2] = x[:, 1::2]
    else:
        x = torch.randn(examples, *shape, generator=generator)
    seen = x.flatten(1)[:, -4:].float()
    y = {
        "classification": lambda: (seen[:, 0] > seen.mean()).long(),
        "regression": lambda: seen[:, :2] * 1000,
        "multilabel": lambda: (seen[:, :3] > seen.mean()).byte(),
        "next_token": lambda: torch.roll(x, -1, dims=1),
        "own": lambda: torch.bucketize(seen[:, 0] - seen.mean(), torch.tensor([-1.0, 0.0, 1.0])),
    }[task]()
    vocabulary = 5 if kind == "tokens" else 0
    parts = [(x[a:b], y[a:b]) for a, b in ((0, 96), (96, 120), (120, 144))]
    return ablate.Data(*parts, task=task, vocabulary=vocabulary)


def book(path, length=64):
    """Read a text file, character by character; a tenth validates, a tenth is the test set."""
    text = Path(path).read_text(encoding="utf-8")
    place = {character: number for number, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([place[character] for character in text])
    rows = (len(tokens) - 1) // length
    x, y = tokens[: rows * length], tokens[1 : 1 + rows * length]
    parts = [
        (x.view(rows, length)[a:b], y.view(rows, length)[a:b])
        for a, b in ((0, rows * 8 // 10), (rows * 8 // 10, rows * 9 // 10), (rows * 9 // 10, rows))
    ]
    return ablate.Data(*parts, task="next_token", vocabulary=len(place))
