"""Batch norm by statistics of the whole training split, taken anew before every step."""

from pathlib import Path

import pytest
import torch
from same_records import assert_same

from ablate import data as data_sets
from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.launch.pace import training_cost
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.optimizers import build_optimizer
from ablate.train.prepare import Stack, prepare
from ablate.train.step import take_step


def config_of(statistics: str, batch_size: int = 16, **changes) -> RunConfig:
    fields = {
        "data": {"name": "digits", "train_size": 120, "validation_size": 60},
        "model": {"name": "mlp", "width": [20, 32], "norm": "batch", "statistics": statistics},
        "init": {"name": "he"},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "trainer": {"steps": 12, "batch_size": batch_size, "save": "last"},
    }
    return run_config(fields | changes)


def stack_of(config: RunConfig, replicates: tuple[int, ...] = (0,)) -> Stack:
    data = data_sets.load(config.data, Path(), config.seed)
    return prepare(config, data, [Streams(config.seed, r) for r in replicates], "cpu")


def after_a_step(config: RunConfig) -> tuple[Stack, torch.Tensor, list[torch.Tensor]]:
    """Return a stack as it started, the loss, and the gradients of the first step."""
    stack = stack_of(config)
    optimizer = build_optimizer(config.optimizer, stack.network.named_parameters())
    before = [p.detach().clone() for p in stack.network.parameters()]
    batch = stack.batch(stack.order(0)[:, : config.trainer.batch_size], 0, 0)
    loss = take_step(stack, optimizer, batch, 1.0)
    gradients = []
    with torch.no_grad():
        for old, now in zip(before, stack.network.parameters(), strict=True):
            gradients.append(old - now)  # of plain descent at a rate of 1
            now.copy_(old)
    return stack, loss, gradients


def test_a_step_normalizes_by_all_training_examples_and_not_by_its_batch() -> None:
    stack, _, _ = after_a_step(config_of("every_step"))
    x = torch.cat(list(stack.population()), dim=1)
    first, second, _ = stack.network.chain
    with torch.no_grad():
        z = first.linear(x.flatten(2))
        # Sums of 120 numbers in float64, rounded to float32.
        for own, measured in ((z.mean(dim=1), first.norm.running_mean),
                              (z.var(dim=1, correction=0), first.norm.running_var)):  # fmt: skip
            torch.testing.assert_close(own, measured, rtol=1e-5, atol=1e-6)
        h = torch.relu((z - z.mean(dim=1)) / (z.var(dim=1, correction=0) + 1e-5).sqrt())
        torch.testing.assert_close(
            second.linear(h).mean(dim=1), second.norm.running_mean, rtol=1e-4, atol=1e-5
        )


def test_a_batch_of_all_examples_has_the_same_loss_and_other_gradients() -> None:
    """Statistics are constants of a step: its gradient does not go through them."""
    stack, loss, own = after_a_step(config_of("every_step", 120))
    _, by_batch, through = after_a_step(config_of("running", 120))
    torch.testing.assert_close(loss, by_batch, rtol=1e-5, atol=0)
    # Behind the last norm the same, before it not.
    torch.testing.assert_close(own[-1], through[-1], rtol=1e-4, atol=1e-6)
    assert (own[0] - through[0]).abs().max() > 0.01 * through[0].abs().max()
    # As autograd has it where mean and variance are numbers.
    x, y = stack.training.batch(stack.order(0)[:, :120])
    first, second, last = stack.network.chain
    weight = first.linear.weight.detach().clone().requires_grad_()
    h = x.flatten(2)
    for block, w in ((first, weight), (second, second.linear.weight)):
        z = h @ w + (0 if block.linear.bias is None else block.linear.bias.unsqueeze(1))
        mean, variance = z.detach().mean(dim=1), z.detach().var(dim=1, correction=0)
        h = torch.relu((z - mean.unsqueeze(1)) / (variance + 1e-5).sqrt().unsqueeze(1))
    loss = torch.nn.functional.cross_entropy(last.linear(h)[0], y[0])
    (expected,) = torch.autograd.grad(loss, weight)
    names = [name for name, _ in stack.network.named_parameters()]
    found = own[names.index("blocks.0.linear.weight")]
    # A difference of weights of about 0.2, each right to 2^-26.
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_a_replicate_has_the_same_bits_alone_and_in_a_stack() -> None:
    config = config_of("every_step")
    data = data_sets.load(config.data, Path(), config.seed)
    alone = train(config, data, [2])[0]
    for stack in ([0, 2], [5, 2, 0, 1, 3]):
        assert_same(alone, train(config, data, stack)[stack.index(2)])
    assert alone.nc_reason is None


def test_it_costs_a_pass_per_layer_and_step() -> None:
    plain, costly = training_cost(config_of("running")), training_cost(config_of("every_step"))
    assert costly / plain == pytest.approx(1 + 120 * 2 / 6 / 16)


def test_autoencoders_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"pretrain=autoencoders is not allowed with model\.stat"):
        config_of("every_step", pretrain={"name": "autoencoders"})
