"""The `augment` group: random changes of training images, and views of test images."""

from typing import Annotated, Literal

from pydantic import Field

from ablate.config.base import BelowOne, Count, Fraction, Frozen, NonNegativeFloat, Positive


class Augment(Frozen):
    """Random changes of training images, each replicate's own; the group's options are presets.

    Lengths are in pixels, angles in degrees, brightness and noise in units of the full range.
    A number x of brightness, contrast, zoom, shear, rotation, translate and lens is drawn
    uniformly from [-x, x] for each image. On the test set, predicted probabilities are averaged
    over views of each image.
    """

    flip: Literal["none", "random", "alternating"] = "none"
    """Horizontal: `random` half of the images; `alternating` a random half in even epochs and the
    other half in odd ones (Jordan 2024)."""
    crop: Count = 0
    """Pad by this much with zeros and cut out the old size at random."""
    brightness: NonNegativeFloat = 0.0
    """Added to all pixels."""
    contrast: Fraction = 0.0
    """Pixels move away from their image's mean by the factor 1 + x."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """About the centre."""
    translate: BelowOne = 0.0
    """By a share of the side, in both directions."""
    zoom: BelowOne = 0.0
    """By the factor 1 + x."""
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    """Horizontal, in degrees."""
    lens: Fraction = 0.0
    """Radial distortion r -> r (1 + x r^2), r = 1 half-way along the shorter side."""
    noise: NonNegativeFloat = 0.0
    """Standard deviation of noise added to each pixel."""
    cutout: Count = 0
    """Side of a square set to zero, its centre anywhere in the image."""
    mixup: NonNegativeFloat = 0.0
    """Alpha of Beta(alpha, alpha): images and labels of two examples are mixed."""
    test_crops: Literal[1, 5, 9, 25, 49, 81] = 1
    """Shifts by up to `test_shift` pixels: 5 is the centre and the four corners, other numbers are
    square grids."""
    test_shift: Positive = 2
    """Pixels of the farthest shift."""
    test_flip: bool = False
    """Each shift mirrored as well."""

    @property
    def in_force(self) -> tuple[str, ...]:
        """The settings that are not at their default."""
        fields = type(self).model_fields
        return tuple(name for name, value in self if value != fields[name].default)

    @property
    def needs_images(self) -> tuple[str, ...]:
        """The settings in force that only images can have; noise and mixup suit all."""
        return tuple(n for n in self.in_force if n not in ("noise", "mixup", "test_shift"))

    @property
    def changes_training(self) -> bool:
        """Tell whether any training image is changed."""
        return any(not name.startswith("test_") for name in self.in_force)
