"""The `pretrain` group: what hidden layers learn before the training itself."""

from typing import Literal, Self

from pydantic import model_validator

from ablate.config.base import BelowOne, ByName, Frozen, Positive, PositiveFloat
from ablate.config.data import Classes, refuse_repeated

#: Data sets with classes whose files are this package's to fetch.
SourceName = Literal["digits", "mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100"]


class NoPretraining(Frozen):
    """Training starts from the initial weights."""

    name: Literal["none"] = "none"


class Autoencoders(Frozen):
    """Greedy and without labels: each hidden layer of an mlp learns to encode what it receives.

    First to last, the earlier ones fixed: a linear decoder behind the layer's activation gives
    back its input, by squared error and Adam (Bengio et al. 2007). Decoders are then dropped.
    """

    name: Literal["autoencoders"]
    steps: Positive = 1000
    """Of each layer."""
    lr: PositiveFloat = 0.001
    """Of Adam; it stays as it is."""
    noise: BelowOne = 0.0
    """Share of a layer's inputs that are set to zero, to be given back all the same: denoising
    (Vincent et al. 2008)."""
    batch_size: Positive | None = None
    """Examples of a step; null: as in the training."""
    examples: Positive | None = None
    """Examples, without labels: those that are trained on and more of the same draw; null: these
    alone."""


class Source(Frozen):
    """With labels, on another task: its hidden layers are kept, the output layer is a new one.

    The network is trained as the config says, by cross-entropy and without augmentation.
    """

    name: Literal["source"]
    data: SourceName | None = None
    """Data set of the other task, with examples of the same shape; null: the same one."""
    classes: Classes | None = None
    """Its classes; null: all. Of the same data set none that the task has."""
    steps: Positive | None = None
    """Null: as many epochs, or steps, as the training has."""
    lr: PositiveFloat | None = None
    """Null: as in the training."""
    train_size: Positive | None = None
    """Examples trained on; null: all."""

    @model_validator(mode="after")
    def _each_class_once(self) -> Self:
        refuse_repeated("pretrain.classes", self.classes)
        return self


PretrainConfig = ByName[NoPretraining | Autoencoders | Source]
