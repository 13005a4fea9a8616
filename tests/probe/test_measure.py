"""Looks into small networks, against numbers computed another way."""

import contextlib
import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ablate.config.init import He
from ablate.config.model import Cnn, Mlp
from ablate.metrics import PROBED, STATISTICS
from ablate.nn.initialization import initialize
from ablate.nn.models import build
from ablate.probe.histogram import coarsen, histograms
from ablate.probe.measure import measure, pack
from ablate.streams import Streams
from ablate.tasks.classification import Classification

MEAN, STD, ZERO, DEAD, SATURATED, _, P50, _, RMS = range(len(STATISTICS))
ACTIVATION, ACTIVATION_GRADIENT, WEIGHT_GRADIENT = range(len(PROBED))


def network(model, inputs, replicates=2):
    result = build(model, inputs, 10, replicates)
    streams = [Streams(0, r) for r in range(replicates)]
    initialize(result, He(name="he"), streams, None)
    result.seed_dropout(streams, "cpu")
    return result.train()


def mlp(**changes):
    return Mlp(name="mlp", width=12, depth=2, **changes)


def batches(inputs, sizes, replicates=2):
    rng = np.random.default_rng(0)
    pairs = [
        (
            torch.from_numpy(rng.standard_normal((replicates, n, *inputs)).astype(np.float32)),
            torch.from_numpy(rng.integers(0, 10, (replicates, n))),
        )
        for n in sizes
    ]
    return lambda: pairs


def look(net, examples, with_histograms=True):
    return measure(net, examples, Classification().total, contextlib.nullcontext, with_histograms)


def test_activations_and_gradients_of_an_mlp():
    net, examples = network(mlp(), (6,)), batches((6,), [30])
    first = look(net, examples)[0]
    (x, y), *_ = examples()
    layer1, layer2, output = (block.linear for block in net.chain)
    hidden1 = (x[0] @ layer1.weight[0] + layer1.bias[0]).relu()
    before = hidden1 @ layer2.weight[0] + layer2.bias[0]
    hidden2 = before.relu().detach().requires_grad_()
    loss = F.cross_entropy(hidden2 @ output.weight[0] + output.bias[0], y[0], reduction="none")
    gradient = torch.autograd.grad(loss.sum(), hidden2)[0]
    numbers, hidden2, before = first.statistics[:, 1], hidden2.detach(), before.detach()
    # float32 products in another order than in the stacked network.
    close = {"rel": 1e-4, "abs": 1e-6}
    assert numbers[ACTIVATION, MEAN] == pytest.approx(float(hidden2.mean()), **close)
    assert numbers[ACTIVATION, STD] == pytest.approx(float(hidden2.std(correction=0)), **close)
    assert numbers[ACTIVATION, ZERO] == float((hidden2 == 0).double().mean())
    assert numbers[ACTIVATION, P50] == pytest.approx(float(before.quantile(0.5)), **close)
    assert np.isnan(numbers[ACTIVATION, SATURATED])
    rms = float(gradient.square().mean().sqrt())
    assert numbers[ACTIVATION_GRADIENT, RMS] == pytest.approx(rms, **close)
    # The gradient of the mean loss by the weights behind it, through relu.
    flowing = gradient * (before > 0)
    weight_gradient = hidden1.detach().T @ flowing / len(x[0])
    rms = float(weight_gradient.square().mean().sqrt())
    assert numbers[WEIGHT_GRADIENT, RMS] == pytest.approx(rms, **close)


def test_a_dead_unit():
    net = network(mlp(), (6,))
    with torch.no_grad():
        net.chain[0].linear.bias[1, :3] = -1e3
    first, second = look(net, batches((6,), [20]))
    assert second.statistics[ACTIVATION, 0, DEAD] >= 3 / 12
    assert second.statistics[WEIGHT_GRADIENT, 0, DEAD] >= 3 / 12
    assert first.statistics[ACTIVATION, 0, DEAD] < second.statistics[ACTIVATION, 0, DEAD]


def test_saturated_units_of_tanh():
    net = network(mlp(activation="tanh"), (6,))
    with torch.no_grad():
        net.chain[1].linear.weight *= 1000
    statistics = look(net, batches((6,), [20]))[0].statistics
    assert statistics[ACTIVATION, 1, SATURATED] > 0.95
    assert statistics[ACTIVATION, 0, SATURATED] < 0.7


@pytest.mark.parametrize("activation", ["relu", "maxout", "prelu"])
def test_batches_merge_to_what_one_batch_gives(activation):
    net = network(mlp(activation=activation), (6,))
    pairs = batches((6,), [20, 20, 11])()
    whole = [tuple(torch.cat([pair[i] for pair in pairs], dim=1) for i in (0, 1))]
    split, together = look(net, lambda: pairs), look(net, lambda: whole)
    for a, b in zip(split, together, strict=True):
        # Sums in float64, yet of float32 products that depend on the batch's size.
        np.testing.assert_allclose(a.statistics, b.statistics, rtol=1e-4, atol=1e-6)
        for quantity in (ACTIVATION, ACTIVATION_GRADIENT):
            for layer in (0, 1):
                # The batch whose values are the largest says how wide the bins are.
                wider = int(a.exponents[quantity, layer] - b.exponents[quantity, layer])
                assert wider in (0, 1)
                counts = a.histograms[quantity, layer]
                expected = coarsen(b.histograms[quantity, layer], wider)
                assert counts.sum() == expected.sum()
                assert np.abs(counts.astype(int) - expected).sum() < 10


def test_histograms_count_what_is_not_zero():
    net, examples = network(mlp(), (6,)), batches((6,), [16, 16])
    snapshot = look(net, examples)[1]
    values = []
    for x, _ in examples():
        net(x, lambda name, pre, post: values.append(post[1].detach()))
    first_layer = torch.cat(values[::2]).unsqueeze(0)
    k = torch.tensor([int(snapshot.exponents[ACTIVATION, 0])])
    expected = histograms(first_layer, k).counts[0]
    assert snapshot.histograms[ACTIVATION, 0].tolist() == expected.tolist()
    assert snapshot.histograms.dtype == np.uint32


@pytest.mark.parametrize(
    "model",
    [mlp(norm="batch", dropout=0.5, input_dropout=0.2), Cnn(name="cnn", channels=(4, 6))],
    ids=["mlp", "cnn"],
)
def test_a_look_leaves_no_trace(model):
    inputs = (3, 8, 8)
    net, untouched = network(model, inputs, 1), network(model, inputs, 1)
    modes = [module.training for module in net.modules()]
    before = copy.deepcopy(net.state_dict())
    look(net, batches(inputs, [10, 6], replicates=1))
    assert [module.training for module in net.modules()] == modes
    assert all(parameter.grad is None for parameter in net.parameters())
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    # The next step draws the masks, and moves the running statistics, that it would have.
    (x, _), *_ = batches(inputs, [10], replicates=1)()
    assert torch.equal(net(x), untouched(x))
    for name, value in net.state_dict().items():
        assert torch.equal(value, untouched.state_dict()[name]), name


def test_batch_normalization_uses_the_batch():
    net = network(mlp(norm="batch", activation="linear"), (6,))
    for norm in (block.norm for block in net.chain[:-1]):
        norm.running_mean.fill_(100.0)
    statistics = look(net, batches((6,), [40]))[0].statistics
    assert np.abs(statistics[ACTIVATION, :, MEAN]).max() < 1e-5
    # The variance epsilon of 1e-5 makes it a little less than 1.
    np.testing.assert_allclose(statistics[ACTIVATION, :, STD], 1, rtol=1e-3)


def test_values_that_are_not_finite_are_nan():
    net = network(mlp(), (6,))
    with torch.no_grad():
        net.chain[1].linear.weight[0] = float("inf")
    broken, sound = look(net, batches((6,), [20]))
    assert np.isnan(broken.statistics[ACTIVATION, 1, MEAN])
    assert np.isfinite(sound.statistics[..., [MEAN, STD, RMS]]).all()
    assert not np.isinf(broken.statistics).any()


def test_packed_arrays_of_a_convnet():
    net = network(Cnn(name="cnn", channels=(4, 6)), (3, 8, 8), replicates=1)
    examples = batches((3, 8, 8), [10], replicates=1)
    with_histograms, without = look(net, examples)[0], look(net, examples, False)[0]
    assert without.histograms is None
    arrays = pack(net.layer_names, {0: with_histograms, 3: without, 9: with_histograms})
    assert arrays["layers"].tolist() == ["layer1", "layer2"]
    assert arrays["steps"].tolist() == [0, 3, 9]
    assert arrays["histogram_steps"].tolist() == [0, 9]
    assert arrays["statistics"].shape == (3, 3, 2, 9)
    assert arrays["exponents"].shape == (3, 3, 2)
    assert arrays["exponents"].dtype == np.int16
    assert arrays["histograms"].shape == (2, 3, 2, 130)
    assert pack(net.layer_names, {}) == {}
    assert pack(net.layer_names, {0: without})["histograms"].shape == (0, 3, 2, 130)
