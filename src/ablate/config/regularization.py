"""The groups `loss`, `penalty`, `augment` and `stopping`.

An option that does nothing has a default for its `name`, so that it leaves no trace in a run's
canonical form.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ablate.config.base import Count, Frozen, NonNegativeFloat, Positive, PositiveFloat


class CrossEntropy(Frozen):
    """Cross-entropy against targets that give `label_smoothing` evenly to all classes."""

    name: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


LossConfig = CrossEntropy


class NoPenalty(Frozen):
    """Nothing but the loss (and `optimizer.weight_decay`)."""

    name: Literal["none"] = "none"


class L1(Frozen):
    """strength * sum |w| over the weights.

    proximal  false: its subgradient joins the gradient; true: weights are soft-thresholded by
              lr * strength after each step, which gives exact zeros
    """

    name: Literal["l1"]
    strength: NonNegativeFloat = 1e-4
    proximal: bool = False


class ElasticNet(Frozen):
    """strength * sum |w| + l2/2 * sum w^2 over the weights (Zou & Hastie 2005)."""

    name: Literal["elastic_net"]
    strength: NonNegativeFloat = 1e-4
    l2: NonNegativeFloat = 1e-4
    proximal: bool = False


class MaxNorm(Frozen):
    """The weights into each unit are scaled back to norm `limit` after a step that exceeds it."""

    name: Literal["max_norm"]
    limit: PositiveFloat = 3.0


class ActivationL1(Frozen):
    """strength * the mean over examples of sum |h| over all hidden activations."""

    name: Literal["activation_l1"]
    strength: NonNegativeFloat = 1e-4


PenaltyConfig = Annotated[
    NoPenalty | L1 | ElasticNet | MaxNorm | ActivationL1, Field(discriminator="name")
]


class Augment(Frozen):
    """Random changes of training images, each replicate's own; the group's options are presets.

    Lengths are in pixels, angles in degrees, brightness and noise in units of the full range.
    A number x of brightness, contrast, zoom, shear, rotation, translate and lens is drawn
    uniformly from [-x, x] for each image.

    flip        horizontal: `random` half of the images; `alternating` a random half in even
                epochs and the other half in odd ones (Jordan 2024)
    crop        pad by this much with zeros and cut out the old size at random
    brightness  added to all pixels
    contrast    pixels move away from their image's mean by the factor 1 + x
    rotation    about the centre
    translate   by a share of the side, in both directions
    zoom        by the factor 1 + x
    shear       horizontal, in degrees
    lens        radial distortion r -> r (1 + x r^2), r = 1 half-way along the shorter side
    noise       standard deviation of noise added to each pixel
    cutout      side of a square set to zero, its centre anywhere in the image
    mixup       alpha of Beta(alpha, alpha): images and labels of two examples are mixed

    On the test set, predicted probabilities are averaged over views of each image:

    test_crops  shifts by up to `test_shift` pixels: 5 is the centre and the four corners, other
                numbers are square grids
    test_flip   each of them mirrored as well
    """

    flip: Literal["none", "random", "alternating"] = "none"
    crop: Count = 0
    brightness: NonNegativeFloat = 0.0
    contrast: Annotated[float, Field(ge=0, le=1)] = 0.0
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    translate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    lens: Annotated[float, Field(ge=0, le=1)] = 0.0
    noise: NonNegativeFloat = 0.0
    cutout: Count = 0
    mixup: NonNegativeFloat = 0.0
    test_crops: Literal[1, 5, 9, 25, 49, 81] = 1
    test_shift: Positive = 2
    test_flip: bool = False

    @property
    def needs_images(self) -> tuple[str, ...]:
        """Return the settings in force that only images can have; noise and mixup suit all."""
        everywhere = ("noise", "mixup", "test_shift")
        defaults = type(self).model_fields
        return tuple(
            name
            for name, value in self
            if name not in everywhere and value != defaults[name].default
        )

    @property
    def changes_training(self) -> bool:
        """Tell whether any training image is changed."""
        return any(
            value != type(self).model_fields[name].default
            for name, value in self
            if not name.startswith("test_")
        )


class NoStopping(Frozen):
    """Training runs for all its epochs."""

    name: Literal["none"] = "none"


class Patience(Frozen):
    """Training ends when `patience` evaluations in a row brought nothing better.

    monitor  what is looked at, at each evaluation
    restore  take the weights of the best evaluation instead of the last
    """

    name: Literal["patience"]
    monitor: Literal["validation/loss", "validation/accuracy"] = "validation/loss"
    patience: Positive = 5
    restore: bool = True


StoppingConfig = Annotated[NoStopping | Patience, Field(discriminator="name")]
