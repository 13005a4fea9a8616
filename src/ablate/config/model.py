"""The `model` group: architectures and their activation, normalization and dropout."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ablate.config.base import BelowOne, ByName, Counts, Frozen, Many, Positive

Activation = Literal[
    "linear", "sigmoid", "tanh", "relu", "vlrelu", "leaky_relu",
    "prelu", "elu", "selu", "gelu", "maxout",
]  # fmt: skip
Norm = Literal["none", "batch", "batch_after", "layer", "group"]
#: How the shares that are dropped change while a network trains.
DropoutSchedule = Literal["constant", "early", "annealed", "curriculum"]
Shares = Annotated[Many[BelowOne], Field(min_length=1)]
DropoutKind = Literal["inverted", "standard", "gaussian", "drop_connect", "unscaled"]


class _Model(Frozen):
    """What every architecture has."""

    activation: Activation = "relu"
    """Between layers; `maxout` takes the maximum over `pieces` linear maps."""
    pieces: Annotated[Positive, Field(ge=2)] = 2
    norm: Norm = "none"
    """`batch`: batch normalization between the linear map and the activation; `batch_after`:
    behind the activation; `layer`: over all units of an example; `group`: over groups of channels,
    the largest number of groups up to `groups` that divides a layer's channels."""
    groups: Positive = 8
    statistics: Literal["running", "population", "every_step"] = "running"
    """What batch normalization takes at inference: its running averages, or the exact `population`
    statistics of the training split, layer by layer. With `every_step` it has these in training as
    well, taken anew before each step, which costs a pass over the split per layer; a step takes
    them for constants."""
    dropout: BelowOne | Shares = 0.0
    """Probability that a hidden unit is dropped; of model=mlp also a list, one for each layer."""
    input_dropout: BelowOne = 0.0
    """Probability that an input is dropped."""
    dropout_kind: DropoutKind = "inverted"
    """`inverted`: kept units are divided by 1 - p in training; `standard`: units are multiplied by
    1 - p at inference; `gaussian`: units are multiplied by N(1, p/(1 - p)); `drop_connect`: weights
    are dropped instead of units; `unscaled`: nothing is scaled, so that at inference units are
    1/(1 - p) times as active as in training."""
    dropout_schedule: DropoutSchedule = "constant"
    """Of all shares that are dropped, up to `dropout_until`: `early`: as they are, and none
    afterwards; `annealed`: falling linearly to none; `curriculum`: growing linearly from none."""
    dropout_until: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the training's steps."""

    @property
    def drops(self) -> bool:
        """Whether anything is dropped at all."""
        shares = self.dropout if isinstance(self.dropout, tuple) else (self.dropout,)
        return any(shares) or self.input_dropout > 0

    @model_validator(mode="after")
    def _one_share(self) -> Self:
        if isinstance(self.dropout, tuple) and not isinstance(self, Mlp):
            raise ValueError(
                f"model.dropout={list(self.dropout)} is not allowed with model={self.name}: a "  # type: ignore[attr-defined]
                "list, one share for each hidden layer, is for model=mlp"
            )
        return self

    @model_validator(mode="after")
    def _scaled_in_training(self) -> Self:
        if self.dropout_schedule != "constant" and self.dropout_kind in ("standard", "unscaled"):
            raise ValueError(
                f"model.dropout_schedule={self.dropout_schedule} is not allowed with "
                f"model.dropout_kind={self.dropout_kind}: one share would have to scale all of "
                "training; allowed are inverted, gaussian or drop_connect"
            )
        return self


class Mlp(_Model):
    """Fully connected: `depth` hidden layers of `width` units, then the output layer.

    A list as `width` gives the hidden layers one by one; `depth` is then null.
    """

    name: Literal["mlp"]
    depth: Annotated[Positive, Field(le=1000)] | None = 2
    width: Positive | Counts = 256

    @model_validator(mode="after")
    def _one_way_to_say_the_layers(self) -> Self:
        if isinstance(self.width, tuple) and self.depth not in (None, len(self.width)):
            raise ValueError(
                f"model.width lists {len(self.width)} layers but model.depth is {self.depth}: "
                "with a list of widths model.depth must be null"
            )
        if isinstance(self.width, int) and self.depth is None:
            raise ValueError("model.depth is null: give a number, or a list as model.width")
        return self

    @model_validator(mode="after")
    def _a_share_for_each_layer(self) -> Self:
        shares = self.dropout
        if isinstance(shares, tuple) and len(shares) != len(self.widths):
            raise ValueError(
                f"model.dropout lists {len(shares)} shares but the model has {len(self.widths)} "
                "hidden layers: give a number, or one for each layer"
            )
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        if isinstance(self.width, tuple):
            return self.width
        assert self.depth is not None
        return (self.width,) * self.depth


class Cnn(_Model):
    """A small convnet: per entry of `channels` a 3x3 convolution and 2x2 max-pooling."""

    name: Literal["cnn"]
    channels: Counts = (32, 64, 128)
    norm: Norm = "batch"


class LeNet(_Model):
    """LeNet-5's shape: 5x5 convolutions of 6 and 16 maps, then 120 and 84 units."""

    name: Literal["lenet"]
    activation: Activation = "tanh"


class FitNet(_Model):
    """Thin deep networks of Romero et al. 2015, tables 5 and 7; published with maxout."""

    name: Literal["fitnet1", "fitnet2", "fitnet3", "fitnet4", "mnist_fitnet"]


class ResNet(_Model):
    """ResNet-20 for small images (He et al. 2016): three stages of three residual blocks."""

    name: Literal["resnet20"]
    norm: Norm = "batch"

    @model_validator(mode="after")
    def _one_piece(self) -> Self:
        if self.activation == "maxout":
            raise ValueError(
                "model.activation=maxout is not allowed with model=resnet20: a shortcut has as "
                "many channels as one piece"
            )
        return self


class _OfTokens(Frozen):
    """What models of token sequences have."""

    depth: Annotated[Positive, Field(le=1000)] = 2
    """Hidden layers."""
    width: Positive = 64
    """Numbers that stand for a token, from layer to layer."""
    dropout: BelowOne = 0.0
    """Probability that a number of what a layer gives is dropped."""
    input_dropout: BelowOne = 0.0
    """Probability that a number of what stands for a token is dropped."""
    dropout_kind: Literal["inverted", "standard", "gaussian", "unscaled"] = "inverted"

    @property
    def drops(self) -> bool:
        """Whether anything is dropped at all."""
        return self.dropout + self.input_dropout > 0


class Transformer(_OfTokens):
    """A decoder (Vaswani et al. 2017): `depth` layers of causal self-attention and a small mlp."""

    name: Literal["transformer"]
    heads: Positive = 4
    """Of attention; each sees width / heads numbers."""
    expansion: Positive = 4
    """Hidden units of a layer's mlp, in widths."""
    activation: Activation = "gelu"
    """Of the mlp."""
    pieces: Annotated[Positive, Field(ge=2)] = 2
    norm: Literal["layer", "none"] = "layer"
    placement: Literal["pre", "post"] = "pre"
    """`pre`: each branch normalizes what it reads, and the output what it gets (Xiong et al. 2020);
    `post`: what a branch and its shortcut give together is normalized, as published first."""
    positions: Literal["rotary", "learned"] = "rotary"
    """How a place is known: queries and keys are turned by it (Su et al. 2021), or each place has
    numbers that are added to its token's."""

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.width % self.heads:
            raise ValueError(
                f"model.heads={self.heads} is not allowed with model.width={self.width}: the width "
                "must be a multiple of the heads"
            )
        if self.positions == "rotary" and self.width // self.heads % 2:
            raise ValueError(
                f"model.positions=rotary is not allowed with model.width={self.width} and "
                f"model.heads={self.heads}: it turns pairs, and a head has "
                f"{self.width // self.heads} numbers"
            )
        return self


class Lstm(_OfTokens):
    """`depth` layers of long short-term memory, forget gates open at first (Gers et al. 2000)."""

    name: Literal["lstm"]


#: Chains of layers over images and features.
ChainConfig = Mlp | Cnn | LeNet | FitNet | ResNet
#: Models of sequences of tokens.
TokenConfig = Transformer | Lstm
ModelConfig = ByName[ChainConfig | TokenConfig]
