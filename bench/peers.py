"""The same network, data and batches in the loops that most people write.

Nothing here is slowed down on purpose: no logging, no checkpoints, no progress bar, no summary,
no metrics but loss and accuracy, validation in large batches.
"""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from .cells import BATCH

_VALIDATION_BATCH = 1000


@dataclass(frozen=True)
class Images:
    """MNIST split in two: uint8 (N, 1, 28, 28), labels int64 (N,), mean and sd of x / 255."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    mean: float
    std: float

    def scaled(self, part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return x float32 (N, 784), normalized, and the labels."""
        x, y = part
        return ((x.float() / 255 - self.mean) / self.std).flatten(1), y


class PerSample(Dataset[tuple[Tensor, Tensor]]):
    """Each image turned to a normalized float tensor when it is asked for, as in most templates."""

    def __init__(self, images: Images, part: tuple[Tensor, Tensor]) -> None:
        self.images = images
        self.x, self.y = part

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.x[index].float().div(255)
        return image.sub(self.images.mean).div(self.images.std).flatten(), self.y[index]


def network() -> nn.Sequential:
    """Return 784-64-128-64-10 with batch normalization, initialized by torch with seed 0."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in ((784, 64), (64, 128), (128, 64)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def lightning_epoch(images: Images, per_sample: bool) -> tuple[float, float]:
    """Train one epoch with Lightning; return seconds and validation accuracy.

    From the start of the epoch to its end, which comes after one evaluation. Lightning's own
    set-up is left out.
    """
    import lightning

    # Among others it recommends worker processes for the loader, which one core cannot use.
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network()
            self.correct = 0
            self.began = self.ended = 0.0

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x, y = batch
            return functional.cross_entropy(self.network(x), y)

        def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x, y = batch
            logits = self.network(x)
            self.correct += int((logits.argmax(1) == y).sum())
            return functional.cross_entropy(logits, y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.001)

        def on_train_epoch_start(self) -> None:
            self.began = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.ended = time.perf_counter()

    def dataset(part: tuple[Tensor, Tensor]) -> Dataset[Any]:
        return PerSample(images, part) if per_sample else TensorDataset(*images.scaled(part))

    module = Module()
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        module,
        DataLoader(dataset(images.train), batch_size=BATCH, shuffle=True),
        DataLoader(dataset(images.validation), batch_size=_VALIDATION_BATCH),
    )
    return module.ended - module.began, module.correct / len(images.validation[1])


def plain_epoch(images: Images) -> tuple[float, float]:
    """Train one epoch by hand: tensors in memory, a batch by one index, torch's fused Adam."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    x, y = images.scaled(images.train)
    held_x, held_y = images.scaled(images.validation)
    began = time.perf_counter()
    for chosen in torch.split(torch.randperm(len(y)), BATCH):
        loss = functional.cross_entropy(model(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for some in torch.split(torch.arange(len(held_y)), _VALIDATION_BATCH):
            correct += int((model(held_x[some]).argmax(1) == held_y[some]).sum())
    return time.perf_counter() - began, correct / len(held_y)
