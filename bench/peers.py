"""One run of the same network, data and batches in the loops that most people write.

Nothing here is slowed down on purpose: no checkpoints, no progress bar, no summary, metrics once
an epoch, validation in large batches, one thread. Each logs to MLflow what it measures.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from .networks import BATCH, NETS, Net

_EVALUATION_BATCH = 1000


@dataclass(frozen=True)
class Settings:
    """What is common to all runs of a sweep.

    folder   holds `images.npz` (as `write_images` makes it) and the MLflow store
    """

    net: str
    epochs: int
    folder: Path


@dataclass(frozen=True)
class Images:
    """uint8 images (N, H, W) or (N, H, W, C) with labels, and statistics of x / 255 per channel."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    mean: list[float]
    std: list[float]


class PerSample(Dataset[tuple[Tensor, int]]):
    """An image at a time, by what torchvision does in MNIST, `ToTensor` and `Normalize`.

    Written out, because torchvision has no build beside this torch; the calls are the same.
    """

    def __init__(self, images: Images, part: tuple[np.ndarray, np.ndarray]) -> None:
        self.images, (self.x, self.y) = images, part

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.x[index])
        tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
        tensor = tensor.view(image.size[1], image.size[0], -1)
        tensor = tensor.permute((2, 0, 1)).contiguous().to(torch.float32).div(255)
        mean, std = torch.as_tensor(self.images.mean), torch.as_tensor(self.images.std)
        if (std == 0).any():
            raise ValueError("a constant channel")
        tensor = tensor.clone().sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))
        return tensor, int(self.y[index])


def tensors(images: Images, part: tuple[np.ndarray, np.ndarray]) -> tuple[Tensor, Tensor]:
    """Return x float32 (N, C, H, W), normalized, and the labels."""
    x = torch.from_numpy(part[0]).float().div_(255)
    x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()
    mean, std = (torch.tensor(value).view(-1, 1, 1) for value in (images.mean, images.std))
    return x.sub_(mean).div_(std), torch.from_numpy(part[1])


def train_plain(settings: Settings, seed: int, lr: float) -> dict[str, float]:
    """Train by a plain loop over a DataLoader with per-sample transforms."""
    images = read_images(settings.folder)
    torch.manual_seed(seed)

    def loader(part: tuple[np.ndarray, np.ndarray], size: int, shuffle: bool = False) -> Any:
        return DataLoader(PerSample(images, part), batch_size=size, shuffle=shuffle)

    validation = loader(images.validation, _EVALUATION_BATCH)
    test = loader(images.test, _EVALUATION_BATCH)
    net = NETS[settings.net]
    model = net.module()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    return _train(
        settings, model, optimizer, {"seed": seed, "lr": lr},
        lambda: loader(images.train, BATCH, shuffle=True), lambda: validation, lambda: test,
    )  # fmt: skip


def train_by_hand(settings: Settings, seed: int, lr: float) -> dict[str, float]:
    """Train by the fastest plain loop: tensors in memory, a batch by one index, fused Adam."""
    images = read_images(settings.folder)
    torch.manual_seed(seed)
    x, y = tensors(images, images.train)

    def held(part: tuple[np.ndarray, np.ndarray]) -> list[tuple[Tensor, Tensor]]:
        pairs = (some.split(_EVALUATION_BATCH) for some in tensors(images, part))
        return list(zip(*pairs, strict=True))

    validation, test = held(images.validation), held(images.test)
    model = NETS[settings.net].module()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    return _train(
        settings, model, optimizer, {"seed": seed, "lr": lr},
        lambda: ((x[rows], y[rows]) for rows in torch.randperm(len(y)).split(BATCH)),
        lambda: validation, lambda: test,
    )  # fmt: skip


def _train(
    settings: Settings,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    params: dict[str, Any],
    batches: Any,
    validation: Any,
    test: Any,
) -> dict[str, float]:
    import mlflow

    _use_store(settings.folder)
    with mlflow.start_run():
        mlflow.log_params({"net": settings.net, "epochs": settings.epochs, **params})
        for epoch in range(settings.epochs):
            model.train()
            total = 0.0
            seen = 0
            for x, y in batches():
                loss = functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += float(loss.detach()) * len(y)
                seen += len(y)
            loss_held, accuracy = _scores(model, validation())
            mlflow.log_metrics(
                {
                    "train/loss": total / seen,
                    "validation/loss": loss_held,
                    "validation/accuracy": accuracy,
                },
                step=epoch,
            )
        loss_test, accuracy = _scores(model, test())
        found = {"test/loss": loss_test, "test/accuracy": accuracy}
        mlflow.log_metrics(found, step=settings.epochs)
    return found


@torch.no_grad()
def _scores(model: nn.Module, batches: Any) -> tuple[float, float]:
    model.eval()
    loss = correct = seen = 0.0
    for x, y in batches:
        logits = model(x)
        loss += float(functional.cross_entropy(logits, y, reduction="sum"))
        correct += float((logits.argmax(1) == y).sum())
        seen += len(y)
    return loss / seen, correct / seen


def train_lightning(settings: Settings, seed: int, lr: float) -> dict[str, float]:
    """Lightning over a DataLoader of tensors that were normalized before."""
    # Among others it recommends worker processes for the loader, which one core cannot use.
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    import lightning
    from lightning.pytorch.loggers import MLFlowLogger

    images = read_images(settings.folder)
    lightning.seed_everything(seed, verbose=False)
    module = _lightning_module(lightning, NETS[settings.net], lr)

    def loader(part: tuple[np.ndarray, np.ndarray], size: int, shuffle: bool = False) -> Any:
        return DataLoader(TensorDataset(*tensors(images, part)), batch_size=size, shuffle=shuffle)

    trainer = lightning.Trainer(
        max_epochs=settings.epochs,
        accelerator="cpu",
        devices=1,
        logger=MLFlowLogger(experiment_name="peers", tracking_uri=_uri(settings.folder)),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=settings.folder,
    )
    train, validation = loader(images.train, BATCH, shuffle=True), images.validation
    trainer.fit(module, train, loader(validation, _EVALUATION_BATCH))
    trainer.test(module, loader(images.test, _EVALUATION_BATCH), verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def _lightning_module(lightning: Any, net: Net, lr: float) -> Any:
    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters({"net": net.name, "lr": lr})
            self.network = net.module()

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x, y = batch
            loss = functional.cross_entropy(self.network(x), y)
            self.log("train/loss", loss, on_step=False, on_epoch=True)
            return loss

        def _held_out(self, batch: tuple[Tensor, Tensor], part: str) -> None:
            x, y = batch
            logits = self.network(x)
            accuracy = (logits.argmax(1) == y).float().mean()
            self.log_dict(
                {f"{part}/loss": functional.cross_entropy(logits, y), f"{part}/accuracy": accuracy}
            )

        def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
            self._held_out(batch, "validation")

        def test_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:  # noqa: PT019
            self._held_out(batch, "test")

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=lr)

    return Module()


TRAIN = {"lightning": train_lightning, "plain": train_plain, "by_hand": train_by_hand}


def write_images(net: Net, sizes: tuple[int, int, int], folder: Path, root: Path) -> None:
    """Write `images.npz`, with so many images to train on, to validate with and to test on."""
    from ablate import data
    from ablate.config.data import DownloadedData

    loaded = data.load(DownloadedData(name=net.dataset), root)
    train, validation, test = sizes
    x, y = loaded.train
    mean, std = (value.flatten().tolist() for value in data.channel_statistics(x[:train]))
    parts = {
        "train": (x[:train], y[:train]),
        "validation": (x[len(x) - validation :], y[len(y) - validation :]),
        "test": (loaded.test[0][:test], loaded.test[1][:test]),
    }
    arrays: dict[str, Any] = {"mean": mean, "std": std}
    for part, (some, labels) in parts.items():
        arrays[f"{part}_x"] = some.permute(0, 2, 3, 1).squeeze(3).contiguous().numpy()
        arrays[f"{part}_y"] = labels.numpy()
    np.savez(folder / "images.npz", **arrays)


def read_images(folder: Path) -> Images:
    """Return what `write_images` wrote."""
    with np.load(folder / "images.npz") as arrays:
        parts = {
            part: (arrays[f"{part}_x"], arrays[f"{part}_y"])
            for part in ("train", "validation", "test")
        }
        return Images(**parts, mean=arrays["mean"].tolist(), std=arrays["std"].tolist())


def _uri(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def _use_store(folder: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(_uri(folder))
    mlflow.set_experiment("peers")


def log_run(folder: Path, params: dict[str, Any], metrics: list[dict[str, float]]) -> None:
    """Write a run that is over: its parameters, and its metrics epoch by epoch."""
    import mlflow

    _use_store(folder)
    with mlflow.start_run():
        mlflow.log_params(params)
        for epoch, some in enumerate(metrics):
            mlflow.log_metrics(some, step=epoch)


def prepare_store(folder: Path) -> None:
    """Make the store before any worker opens it: two at once would break it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.set_tracking_uri(_uri(folder))
    mlflow.create_experiment("peers", (folder / "mlartifacts").as_uri())
