"""What a figure may show besides the metric: columns of runs, and statistics of the probe."""

import figure_frames
import numpy as np
import pytest

from ablate.errors import ReportError
from ablate.metrics import quantity
from ablate.report.context import Context
from ablate.report.exhibits import exhibits_of
from ablate.report.figures.quantity import with_quantity
from ablate.report.figures.select import subjects
from ablate.study.items import ITEMS


def request(**options):
    study, fake = figure_frames.init_by_activation()
    item = ITEMS["factor_response"](**options)
    return Context(item, study, fake)


@pytest.mark.parametrize(
    ("column", "label", "scale"),
    [
        ("weights/zero", "zero weights (%)", 100),
        ("weights/norm", "norm of the weights", 1),
        ("test/ece", "test calibration error (%)", 100),
        ("members/accuracy", "accuracy of a member (%)", 100),
        ("validation/nll", "validation cross-entropy (nats)", 1),
        ("stopping/step", "step at which training ended", 1),
        ("test/second/accuracy", "test accuracy (second) (%)", 100),
        ("test/second/loss", "test loss (second)", 1),
        ("test/reconstruction/error", "squared error of the inputs", 1),
    ],
)
def test_labels_and_units(column, label, scale):
    shown = quantity(column)
    assert (shown.title, shown.scale) == (label, scale)


def test_without_options_it_is_the_metric():
    _, column, shown = with_quantity(request())
    assert (column, shown.title, shown.scale) == ("test/accuracy", "test accuracy (%)", 100)


def test_a_statistic_of_the_probe_is_its_mean_over_layers_at_the_last_step():
    asked, column, _ = with_quantity(request(probe="zero"))
    assert column == "probe/zero"
    run = asked.frames.runs.iloc[0]
    layers = asked.frames.layers
    own = layers[(layers["cell"] == run["cell"]) & (layers["replicate"] == run["replicate"])
                 & (layers["quantity"] == "activation")]  # fmt: skip
    last = own[own["step"] == own["step"].max()]
    assert run["probe/zero"] == pytest.approx(np.mean(last["zero"]), nan_ok=True)


def test_a_metric_that_no_run_reports_is_named():
    with pytest.raises(ReportError, match="no run reports the metric weights/nrm; there is test/a"):
        with_quantity(request(metric="weights/nrm"))


def test_two_quantities_are_two_files():
    def names(**options):
        return [subject.name for subject in subjects(request(**options), "x")]

    assert names() == ["factor_response-relu", "factor_response-tanh"]
    assert names(metric="weights/norm")[0] == "factor_response-weights_norm-relu"
    assert names(probe="zero")[0] == "factor_response-probe-zero-relu"


def test_a_response_of_the_probe_is_drawn():
    drawings = list(exhibits_of(request(probe="std")))
    assert drawings[0].name.startswith("factor_response-probe-std")
    assert drawings[0].figure.axes[0].get_ylabel() == "std of activations"
