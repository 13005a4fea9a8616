"""A plain torch module as a network of one replicate."""

import pytest
import torch
from torch import nn

from ablate.config.model import Mlp
from ablate.config.target import ModelTarget
from ablate.errors import ConfigError
from ablate.nn.architectures import Shape
from ablate.nn.models import build
from ablate.nn.network import parameter_count
from ablate.nn.user_network import build_user_network
from ablate.probe.measure import measure
from ablate.streams import Streams
from ablate.tasks.classification import Classification

INPUTS, CLASSES = (5,), 3
CPU = torch.device("cpu")
TOTAL = Classification().total


def own(name, replicate=0, inputs=INPUTS, **arguments):
    target = ModelTarget.model_validate({"_target_": f"mylab.nets.{name}", **arguments})
    return build_user_network(target, Shape(inputs), CLASSES, Streams(0, replicate), CPU)


def batch(examples=32):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, examples, *INPUTS, generator=generator)
    return x, torch.randint(0, CLASSES, (1, examples), generator=generator)


def test_it_computes_what_the_module_does_and_so_do_its_gradients():
    network, (x, y) = own("Net", norm=True), batch()
    plain = network.module
    assert torch.equal(network(x)[0], plain(x[0]))
    nn.functional.cross_entropy(network(x)[0], y[0]).backward()
    stacked = dict(network.named_parameters())
    gradients = torch.autograd.grad(
        nn.functional.cross_entropy(plain(x[0]), y[0]), plain.parameters()
    )
    for (name, _), gradient in zip(plain.named_parameters(), gradients, strict=True):
        assert torch.equal(stacked[name].grad[0], gradient)


def test_a_step_on_its_parameters_is_one_on_the_modules_own():
    network = own("Net")
    before = network.module.first.weight.detach().clone()
    with torch.no_grad():
        dict(network.named_parameters())["first.weight"].mul_(2)
    assert torch.equal(network.module.first.weight, 2 * before)
    assert torch.equal(network.state_dict()["first.weight"][0], 2 * before)


@pytest.mark.parametrize("inplace", [False, True])
def test_the_probe_sees_what_it_sees_of_the_same_network_here(inplace):
    network, (x, y) = own("Net", inplace=inplace), batch()
    ours = build(Mlp(name="mlp", depth=2, width=16), INPUTS, CLASSES, 1)
    maps = [network.module.first, network.module.second, network.module.last]
    with torch.no_grad():
        for block, plain in zip(ours.chain, maps, strict=True):
            block.linear.weight.copy_(plain.weight.T[None])
            block.linear.bias.copy_(plain.bias[None, None] if block.linear.bias.ndim == 3
                                    else plain.bias[None])  # fmt: skip
    assert network.layer_names == ("act", "act#2")
    looks = [
        measure(net, lambda: [(x, y)], TOTAL, lambda: torch.autocast("cpu", enabled=False), True)[0]
        for net in (network, ours)
    ]
    # Float32 products in another layout: 1e-5 relative is ten times what was seen.
    assert looks[0].statistics == pytest.approx(
        looks[1].statistics, rel=1e-5, abs=1e-7, nan_ok=True
    )


def test_the_probe_leaves_no_trace():
    network, (x, y) = own("Net", norm=True, dropout=0.5), batch()
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    measure(network, lambda: [(x, y)], TOTAL, lambda: torch.autocast("cpu", enabled=False), True)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.module.norm.training
    assert network.module.drop.training


def test_functions_instead_of_modules_leave_the_linear_maps_to_listen_to():
    assert own("Functional").layer_names == ("first",)
    assert own("Flat").layer_names == ()


def test_counts_are_those_of_one_network():
    network = own("Net")
    assert parameter_count(network) == 5 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3
    assert network.multiply_adds == 5 * 16 + 16 * 16 + 16 * 3


def test_replicates_differ_and_come_again():
    same = [own("Net", replicate=r).module.first.weight for r in (0, 0, 1)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])


def test_with_reset_parameters_a_layer_draws_by_its_name():
    """Another architecture draws other numbers before it, and it starts from the same."""
    plain, larger = own("Renamed").module, own("Renamed", extra=True).module
    assert torch.equal(plain.first.weight, larger.first.weight)
    assert torch.equal(plain.second.weight, larger.second.weight)
    assert not plain.last.bias.any()  # the module's own method comes last


def test_dropout_draws_from_a_stream_of_its_own():
    network, (x, _) = own("Net", dropout=0.5), batch()
    network.train()

    def passed(replicate):
        network.seed_dropout([Streams(0, replicate)], "cpu")
        return network(x)

    assert torch.equal(passed(0), passed(0))
    assert not torch.equal(passed(0), passed(1))
    with network.dropout_at_inference():
        assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("TooWide", "returns (2, 4) for 2 examples; it must return logits (2, 3)"),
        ("Fixed", "fails on examples 5: RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        ("no_module", "gives a tuple; it must be a torch.nn.Module"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(name, sentence):
    with pytest.raises(ConfigError) as caught:
        own(name)
    assert sentence in str(caught.value)
