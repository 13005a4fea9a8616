"""What is counted of weights, against numpy on the weights themselves."""

import numpy as np
import pytest
import torch

from ablate.config.init import He
from ablate.config.model import Cnn, Mlp
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.probe.histogram import edges
from ablate.probe.weights import measure_weights
from ablate.streams import Streams

INPUTS = (2, 3, 4)


def network(model=None, inputs=INPUTS, replicates=2):
    model = model or Mlp(name="mlp", width=7, depth=2)
    result = build(model, inputs, 5, replicates)
    streams = [Streams(0, r) for r in range(replicates)]
    initialize(result, He(name="he"), streams, None)
    return result


def sparse(net, share=0.6):
    """Set a share of every weight to exactly zero, another in each replicate."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in net.weights.values():
            weight[torch.rand(weight.shape, generator=generator) < share] = 0
    return net


def test_layers_are_counted_zeros_apart():
    net = sparse(network())
    for r, found in enumerate(measure_weights(net, INPUTS)):
        assert found["weight_layers"].tolist() == ["layer1", "layer2", "output"]
        for i, weight in enumerate(net.weights.values()):
            own = weight[r].detach().double().numpy().ravel()
            std, zero = found["weight_statistics"][i]
            assert std == pytest.approx(own.std(), rel=1e-12)  # float64 in another order
            assert zero == (own == 0).mean()
            expected, _ = np.histogram(own[own != 0], edges(int(found["weight_exponents"][i])))
            counts = found["weight_histograms"][i]
            np.testing.assert_array_equal(counts[1:-1], expected)
            assert counts[0] == counts[-1] == 0


def test_no_weight_falls_outside_where_all_but_one_are_zero():
    net = network()
    with torch.no_grad():
        for weight in net.weights.values():
            weight.zero_()
            weight[:, 0, 0] = 0.75
    found = measure_weights(net, INPUTS)[0]
    assert found["weight_exponents"].tolist() == [0, 0, 0]
    assert found["weight_histograms"][:, 1 + 64 + 48].tolist() == [1, 1, 1]
    assert found["weight_histograms"].sum() == 3


def test_pixels_are_those_of_the_image():
    net = sparse(network())
    for r, found in enumerate(measure_weights(net, INPUTS)):
        first = net.weights["layer1"][r].detach().double().numpy()
        assert found["pixel_units"] == 7
        assert found["pixel_zeros"].shape == found["pixel_squares"].shape == INPUTS
        for place in np.ndindex(INPUTS):
            into = first[np.ravel_multi_index(place, INPUTS)]
            assert found["pixel_zeros"][place] == (into == 0).sum()
            assert found["pixel_squares"][place] == pytest.approx((into**2).sum(), rel=1e-12)


def test_a_pixel_is_the_one_that_its_weights_multiply():
    """Without its weights the network does not see the pixel change."""
    net, place = network().eval(), (1, 2, 0)
    with torch.no_grad():
        net.weights["layer1"][:, np.ravel_multi_index(place, INPUTS)] = 0
        x = torch.rand(2, 1, *INPUTS)
        changed = x.clone()
        changed[:, :, *place] += 1
        assert torch.equal(net(x), net(changed))
    found = measure_weights(net, INPUTS)[0]["pixel_zeros"]
    assert np.argwhere(found).tolist() == [list(place)]


@pytest.mark.parametrize(
    ("model", "inputs"),
    [(Cnn(name="cnn", channels=(3,)), (1, 8, 8)), (Mlp(name="mlp", width=7), (20,))],
    ids=["convolution", "features"],
)
def test_without_weights_of_pixels_there_are_layers_alone(model, inputs):
    found = measure_weights(network(model, inputs), inputs)[0]
    assert found["weight_layers"].tolist()[-1] == "output"
    assert not any(name.startswith("pixel") for name in found)


def test_a_replicate_is_counted_as_alone():
    stacked = measure_weights(network(replicates=3), INPUTS)[1]
    net = build(Mlp(name="mlp", width=7, depth=2), INPUTS, 5, 1)
    initialize(net, He(name="he"), [Streams(0, 1)], None)
    (alone,) = measure_weights(net, INPUTS)
    assert list(stacked) == list(alone)
    for name in stacked:
        assert stacked[name].tobytes() == alone[name].tobytes(), name
