"""Every kind of figure by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ablate.report.figures.canvas import Drawing
from ablate.report.figures.distributions import activation_distribution, gradient_distribution
from ablate.report.figures.ensemble import ensemble_curve
from ablate.report.figures.forest import factor_effects
from ablate.report.figures.heatmap import heatmap
from ablate.report.figures.ladder import ladder, leave_one_out
from ablate.report.figures.learning import learning_curves
from ablate.report.figures.paths import optimizer_paths
from ablate.report.figures.reliability import reliability_diagram
from ablate.report.figures.response import factor_response, learning_rate_sensitivity
from ablate.report.figures.select import Request
from ablate.report.figures.shares import variance_shares
from ablate.report.figures.signal import activations_over_training, signal_by_layer
from ablate.report.figures.stopping import schedule_curves, stopping_points
from ablate.report.figures.style import style
from ablate.report.figures.timing import loss_over_time
from ablate.study.schema import ReportItem, Study

if TYPE_CHECKING:
    from ablate.config import RunConfig
    from ablate.report.frame import Frames

_DRAW: Mapping[str, Callable[[Request], Iterable[Drawing]]] = {
    "activation_distribution": activation_distribution,
    "gradient_distribution": gradient_distribution,
    "signal_by_layer": signal_by_layer,
    "activations_over_training": activations_over_training,
    "learning_curves": learning_curves,
    "factor_response": factor_response,
    "heatmap": heatmap,
    "learning_rate_sensitivity": learning_rate_sensitivity,
    "ensemble_curve": ensemble_curve,
    "reliability_diagram": reliability_diagram,
    "schedule_curves": schedule_curves,
    "stopping_points": stopping_points,
    "ladder": ladder,
    "leave_one_out": leave_one_out,
    "optimizer_paths": optimizer_paths,
    "loss_over_time": loss_over_time,
    "variance_shares": variance_shares,
    "factor_effects": factor_effects,
}


def draw_item(
    item: ReportItem, study: Study, frames: Frames, configs: Mapping[str, RunConfig]
) -> list[Drawing]:
    """Draw one item of a report in memory; raises ConfigError as `ablate.report.figures.draw`."""
    with style():
        return list(_DRAW[item.kind](Request(item, study, frames, configs)))
