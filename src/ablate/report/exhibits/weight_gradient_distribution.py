"""Small multiples of the weight gradients' histograms: layers down, levels across."""

from collections.abc import Iterator

from ablate.report.context import Context
from ablate.report.exhibits.activation_distribution import distribution
from ablate.report.figures.canvas import Drawing


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw which layers' weights learn: whose gradients die, explode or stay alike."""
    return distribution(context, "weight_gradient")
