"""Small multiples of the gradients' histograms: layers down, levels across."""

from collections.abc import Iterator

from ablate.report.context import Context
from ablate.report.exhibits.activation_distribution import distribution
from ablate.report.figures.canvas import Drawing


def exhibits(context: Context) -> Iterator[Drawing]:
    """Draw where the backward signal dies or explodes."""
    return distribution(context, "activation_gradient")
