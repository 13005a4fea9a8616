"""Replicates of a plain torch module as one program."""

import pytest
import torch
from torch import nn

from ablate.config.target import ModelTarget
from ablate.nn.architectures import Shape
from ablate.nn.user_network import build_user_network
from ablate.nn.user_stack import UserStack, build_user_stack, why_not_stacked
from ablate.streams import Streams

INPUTS, CLASSES = (5,), 3
CPU = torch.device("cpu")
STREAMS = [Streams(0, replicate) for replicate in range(3)]


def stack_of(name, **arguments):
    target = ModelTarget.model_validate({"_target_": f"mylab.nets.{name}", **arguments})
    stack = build_user_stack(target, Shape(INPUTS), CLASSES, STREAMS, CPU)
    assert isinstance(stack, UserStack)
    return stack, [build_user_network(target, Shape(INPUTS), CLASSES, own, CPU) for own in STREAMS]


def batch():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 20, *INPUTS, generator=generator)
    return x, torch.randint(0, CLASSES, (3, 20), generator=generator)


def loss_of(network, x, y):
    logits = network(x)
    return nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(
        y.shape
    ).mean(1)  # fmt: skip


@pytest.mark.parametrize("name", ["Net", "Functional", "Flat", "Tied"])
def test_it_computes_what_each_does_alone_and_so_do_its_gradients(name):
    (stack, alone), (x, y) = stack_of(name), batch()
    loss = loss_of(stack, x, y)
    loss.sum().backward()
    stacked = dict(stack.named_parameters())
    for r, network in enumerate(alone):
        own = loss_of(network, x[r : r + 1], y[r : r + 1])
        own.sum().backward()
        # Single precision, products batched in another way.
        torch.testing.assert_close(loss[r : r + 1], own, rtol=1e-6, atol=1e-6)
        for key, parameter in network.named_parameters():
            torch.testing.assert_close(
                stacked[key].grad[r], parameter.grad[0], rtol=1e-5, atol=1e-6
            )


def test_running_statistics_are_each_replicates_own():
    (stack, alone), (x, _) = stack_of("Net", norm=True), batch()
    stack(x)
    for r, network in enumerate(alone):
        network(x[r : r + 1])
        for key, value in network.state_dict().items():
            torch.testing.assert_close(stack.state_dict()[key][r], value[0], rtol=1e-6, atol=1e-7)
    stack.eval()
    before = {key: value.clone() for key, value in stack.state_dict().items()}
    stack(x)
    assert all(torch.equal(before[key], value) for key, value in stack.state_dict().items())


def test_parts_share_the_memory_of_the_stack():
    """The probe looks at them, and sees what training did."""
    stack, _ = stack_of("Net")
    with torch.no_grad():
        dict(stack.named_parameters())["first.weight"][1] = 7.0
    part, where = stack.parts[1]
    assert where == slice(1, 2)
    assert (dict(part.named_parameters())["first.weight"] == 7.0).all()
    assert (part.module.first.weight == 7.0).all()
    assert not (stack.parts[0][0].module.first.weight == 7.0).any()


def test_weights_used_twice_are_kept_under_both_names():
    stack, alone = stack_of("Tied")
    state = stack.state_dict()
    assert list(state) == list(alone[0].state_dict())
    state["third.weight"][1] = 7.0
    assert (stack.parts[1][0].module.second.weight == 7.0).all()


def test_a_replicate_that_is_lost_does_not_touch_the_others():
    (stack, _), (x, y) = stack_of("Net", norm=True), batch()
    with torch.no_grad():
        dict(stack.named_parameters())["second.weight"][1] = torch.nan
    loss = loss_of(stack, x, y)
    loss.backward(torch.ones(3))
    assert torch.isfinite(loss).tolist() == [True, False, True]
    for parameter in stack.parameters():
        assert torch.isfinite(parameter.grad[[0, 2]]).all()


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("Net", {}, None),
        ("Net", {"norm": True, "inplace": True}, None),
        ("Net", {"dropout": 0.5}, "called random operation while in randomness error mode"),
        ("Undecided", {}, "data-dependent control flow"),
    ],
)
def test_whether_a_module_can_be_stacked(name, arguments, reason):
    target = ModelTarget.model_validate({"_target_": f"mylab.nets.{name}", **arguments})
    network = build_user_network(target, Shape(INPUTS), CLASSES, STREAMS[0], CPU)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    said = why_not_stacked(network, Shape(INPUTS))
    assert (said is None) == (reason is None)
    if reason is not None:
        assert reason in said
    # The trial leaves no trace.
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NumpyDraws", "it draws random numbers, which all replicates would share"),
        ("Transposed", "two of its parameters or buffers lie in the same memory"),
        ("Overwrites", None),
    ],
)
def test_what_vmap_would_not_notice_is_not_stacked(name, reason):
    target = ModelTarget.model_validate({"_target_": f"mylab.mischief.{name}"})
    network = build_user_network(target, Shape(INPUTS), CLASSES, STREAMS[0], CPU)
    assert why_not_stacked(network, Shape(INPUTS)) == reason


def test_buffers_used_twice_are_kept_under_both_names():
    target = ModelTarget.model_validate({"_target_": "mylab.mischief.TiedBuffers"})
    stack, alone = (
        build_user_stack(target, Shape(INPUTS), CLASSES, STREAMS, CPU),
        build_user_network(target, Shape(INPUTS), CLASSES, STREAMS[0], CPU),
    )
    assert list(stack.state_dict()) == list(alone.state_dict())
    stack.state_dict()["one"][1] = 7.0
    assert stack.state_dict()["other"].flatten().tolist() == [1.0, 7.0, 1.0]
