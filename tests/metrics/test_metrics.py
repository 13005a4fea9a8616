"""The catalogue, and metrics as expressions."""

import pytest

from ablate.errors import AblateError, ConfigError
from ablate.metrics import Final, Probed, StepsTo, effect_unit, parse, quantity, refuse_impossible


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("test/accuracy", Final("test/accuracy")),
        ("steps", Final("steps")),
        ("steps_to(validation/accuracy, 95)", StepsTo("validation/accuracy", 95.0)),
        ("steps_to(validation/loss, 0.1)", StepsTo("validation/loss", 0.1)),
        ("probe(activation/std, layer=10, step=0)", Probed("activation", "std", 10, 0)),
        (
            "probe(weight_gradient/rms, layer=last)",
            Probed("weight_gradient", "rms", "last", "last"),
        ),
        (
            "probe(weight_gradient/std, layer=1/last, step=0)",
            Probed("weight_gradient", "std", 1, 0, "last"),
        ),
        ("probe(activation/std, layer=last / 2)", Probed("activation", "std", "last", "last", 2)),
    ],
)
def test_an_expression_is_read_and_printed_as_it_can_be_read_again(text, expression):
    assert parse(text) == expression
    assert parse(str(expression)) == expression


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("test accuracy", "write a final metric"),
        ("steps_too(validation/loss, 1)", "Did you mean 'steps_to'"),
        ("steps_to(validation/loss)", "write steps_to(validation/accuracy, 95)"),
        ("steps_to(validation/loss, low)", "'low' is no number"),
        ("steps_to(validation/loss, nan)", "'nan' is no number"),
        ("steps_to(validation/loss, --5)", "'--5' is no number"),
        ("steps_to(validation/accuracy, 950)", "950 is no percentage"),
        ("probe(activations/std, layer=1)", "Did you mean 'activation'"),
        ("probe(activation/stdd, layer=1)", "Did you mean 'std'"),
        ("probe(activation/std)", "say which layer"),
        ("probe(activation/std, layer=0)", "layer is 0; it must be a whole number from 1 on"),
        ("probe(activation/std, layer=1, steps=2)", "probe has no 'steps'"),
    ],
)
def test_what_is_no_metric_is_named(text, sentence):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert sentence in str(caught.value)


def test_a_curve_of_accuracy_arrives_from_below():
    assert StepsTo("validation/accuracy", 95).rises
    assert not StepsTo("validation/loss", 0.1).rises


@pytest.mark.parametrize(
    ("metric", "title", "scale", "effects", "unit"),
    [
        ("test/accuracy", "test accuracy (%)", 100, 100, "points"),
        ("test/loss", "test loss (nats)", 1, 1, "nats"),
        ("test/ece", "test calibration error (%)", 100, 1, ""),
        ("weights/zero", "zero weights (%)", 100, 1, ""),
        ("macro_f1", "macro f1", 1, 1, ""),
    ],
)
def test_a_quantity_is_shown_and_compared_in_its_units(metric, title, scale, effects, unit):
    row = quantity(metric)
    assert (row.title, row.scale, row.effect_scale) == (title, scale, effects)
    assert effect_unit(metric) == unit


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("test/accuracy", 97.3, "f gives test/accuracy = 97.3; it must be from 0 to 1: a fraction"),
        ("validation/accuracy", -0.1, "it must be from 0 to 1"),
        ("test/ece", 4.0, "it must be from 0 to 1: a fraction, not percent."),
        ("test/nll", -1.0, "f gives test/nll = -1; it must be from 0."),
        ("test/brier", 2.5, "it must be from 0 to 2."),
        ("weights/zero", 12.0, "it must be from 0 to 1"),
    ],
)
def test_a_value_that_a_quantity_cannot_have_is_refused(name, value, sentence):
    with pytest.raises(AblateError) as caught:
        refuse_impossible({"test/loss": 1.0, name: value}, "f")
    assert sentence in str(caught.value)


def test_values_that_can_be_and_names_that_nobody_knows_pass():
    values = {
        "test/accuracy": 1.0,
        "test/nll": 9.0,
        "test/loss": -3.0,
        "accuracy": 97.3,
        "f1": 50.0,
    }
    refuse_impossible(values | {"validation/accuracy": float("nan"), "test/brier": 2 + 1e-6}, "f")
