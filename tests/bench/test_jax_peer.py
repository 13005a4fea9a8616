"""The peer in JAX trains what torch trains: the same network, optimizer and gradients."""

import numpy as np
import pytest
import torch

jax = pytest.importorskip("jax", reason="the extra bench is not installed")

from bench.jax_networks import begin, logits_of, loss_of, scores, stacked_epoch  # noqa: E402
from bench.networks import DEEP, THIN, Net  # noqa: E402


def _module(net: Net, layers: list[dict[str, object]]) -> torch.nn.Sequential:
    module = net.module()
    own = [part for part in module if isinstance(part, torch.nn.Linear | torch.nn.BatchNorm1d)]
    wanted = []
    for layer in layers:
        wanted.append((np.asarray(layer["weight"]).T, layer["bias"]))
        if "scale" in layer:
            wanted.append((layer["scale"], layer["shift"]))
    with torch.no_grad():
        for part, (weight, bias) in zip(own, wanted, strict=True):
            part.weight.copy_(torch.tensor(np.array(weight)))
            part.bias.copy_(torch.tensor(np.array(bias)))
    return module


@pytest.mark.parametrize("net", [THIN, DEEP], ids=lambda net: net.name)
def test_an_epoch_in_jax_is_one_in_torch(net: Net) -> None:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((64, 784)).astype(np.float32)
    y = draw.integers(0, 10, 64).astype(np.int32)
    seeds, steps = np.arange(2), 4
    orders = np.stack([draw.permutation(64).reshape(steps, 16) for _ in seeds])
    state = jax.vmap(lambda seed: begin(net, seed))(seeds)
    modules = [_module(net, jax.tree.map(lambda leaf, r=r: leaf[r], state[0])) for r in (0, 1)]
    lr = np.array([0.001, 0.003], np.float32)
    state, losses = stacked_epoch()(state, lr, orders, x, y)
    for r, module in enumerate(modules):
        optimizer = torch.optim.Adam(module.parameters(), lr=float(lr[r]))
        expected = []
        for rows in torch.from_numpy(orders[r]):
            loss = torch.nn.functional.cross_entropy(
                module(torch.from_numpy(x)[rows]), torch.from_numpy(y).long()[rows]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            expected.append(float(loss.detach()))
        assert np.asarray(losses[r]) == pytest.approx(expected, rel=1e-3)
        module.eval()
        with torch.no_grad():
            logits = module(torch.from_numpy(x))
            held_out = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y).long())
        loss, accuracy = scores(32)(state, x, y)
        assert float(loss[r]) == pytest.approx(float(held_out), rel=1e-2)
        assert float(accuracy[r]) == pytest.approx(
            float((logits.argmax(1) == torch.from_numpy(y)).float().mean()), abs=1 / 32
        )


def test_bfloat16_rounds_the_products_and_nothing_else() -> None:
    layers, statistics, _ = begin(DEEP, 0)
    x = np.random.default_rng(0).standard_normal((16, 784)).astype(np.float32)
    exact, _ = logits_of(layers, statistics, x, False, jax.numpy.float32)
    rounded, _ = logits_of(layers, statistics, x, False, jax.numpy.bfloat16)
    assert rounded.dtype == jax.numpy.float32
    assert not np.array_equal(exact, rounded)
    assert np.asarray(rounded) == pytest.approx(np.asarray(exact), abs=0.05)
    assert loss_of(exact, np.zeros(16, np.int32)).shape == (16,)
