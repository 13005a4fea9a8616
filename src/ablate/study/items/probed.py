"""Report items about the layers of a network: what the probe saw, and the weights at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from ablate.config.data import UserData
from ablate.config.ensemble import NoEnsemble
from ablate.data import inputs_of
from ablate.metrics import WEIGHT
from ablate.study.items.base import OfSettings, Role

if TYPE_CHECKING:
    from ablate.study.plan import Cell
    from ablate.study.schema import Study


class Distribution(OfSettings):
    """Histograms of what the probe saw: layers down, levels across."""

    shows_probe = True
    #: Of what: one of `ablate.metrics.PROBED`.
    quantity: ClassVar[str]
    columns: Role = None
    step: Literal["first", "last"] = "first"
    """before the first step of training, or after the last"""

    def histograms(self) -> tuple[tuple[str, str], ...]:
        """Return the one quantity and step that it is about."""
        return ((self.quantity, self.step),)


class ActivationDistribution(Distribution):
    """Histograms of the activations: layers down, levels across."""

    quantity = "activation"


class GradientDistribution(Distribution):
    """Histograms of the gradients of the activations: layers down, levels across."""

    quantity = "activation_gradient"


class WeightGradientDistribution(Distribution):
    """Histograms of the gradients of the weights: layers down, levels across."""

    quantity = "weight_gradient"


class WeightDistribution(OfSettings):
    """Histograms of the weights that training ends with, exact zeros apart: layers down."""

    columns: Role = None

    def histograms(self) -> tuple[tuple[str, str], ...]:
        """Return the weights after the last step."""
        return ((WEIGHT, "last"),)

    def recorded(self) -> tuple[str, ...]:
        """Return the weights."""
        return ("weights",)

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse runs that keep no weights of this package's."""
        yield from _no_weights(cells)


class InputPixels(OfSettings):
    """What each pixel of the input is worth to the first layer, an image per level."""

    extras = ("pixels",)
    columns: Role = None
    rows: Role = None
    shows: Literal["nonzero", "norm"] = "nonzero"
    """the share of a pixel's weights that are not exactly zero, or the norm of its weights"""

    def recorded(self) -> tuple[str, ...]:
        """Return the weights."""
        return ("weights",)

    def lacks(self, study: Study, cells: Sequence[Cell]) -> Iterator[str]:
        """Refuse inputs that are no images, and first layers that are no map of pixels."""
        yield from _no_weights(cells)
        if not any(cell.config.model.name == "mlp" for cell in cells):
            yield "needs a first layer with weights of each pixel: model mlp"
        sets = [cell.config.data for cell in cells if not isinstance(cell.config.data, UserData)]
        if sets and all(len(inputs_of(config)) != 3 for config in sets):
            yield f"needs images, and data {sets[0].name} has none"


def _no_weights(cells: Sequence[Cell]) -> Iterator[str]:
    """Refuse cells that train no network of one's own."""
    if not any(
        isinstance(cell.config.ensemble, NoEnsemble) and not cell.config.trainer.is_user_code
        for cell in cells
    ):
        yield "needs the weights of a network, and no run has any: ensembles and procedures do not"


class SignalByLayer(OfSettings):
    """The spread of activations and of their gradients from layer to layer, with theory."""

    shows_probe = True
    lines: Role = None
    rows: Role = None


class ActivationsOverTraining(OfSettings):
    """The activations over the steps of training: spreads, and percentiles before the last."""

    shows_probe = True
    columns: Role = None
    rows: Role = None

    def statistics(self) -> tuple[str, ...]:
        """Return the percentiles."""
        return ("p15", "p50", "p85")
