"""Transformer and LSTM: against torch's own, closed forms, and alone against in a stack."""

import math

import pytest
import torch
from torch import nn

from ablate.config.init import He, Normal, Orthogonal
from ablate.config.model import Lstm, Transformer
from ablate.nn.architectures import Shape
from ablate.nn.attention import rotated
from ablate.nn.initialization import initialize
from ablate.nn.network import parameter_count
from ablate.nn.recurrent import LstmLayer
from ablate.nn.token_network import TokenNetwork
from ablate.streams import Streams

LENGTH, TOKENS = 9, 11
WHOLE, EACH = Shape((LENGTH,), TOKENS), Shape((LENGTH,), TOKENS, per_token=True)


def transformer(**fields):
    return Transformer(name="transformer", **{"width": 24, "depth": 2, **fields})


def lstm(**fields):
    return Lstm(name="lstm", **{"width": 12, "depth": 2, **fields})


MODELS = {
    "rotary": transformer(),
    "learned": transformer(positions="learned"),
    "post": transformer(placement="post"),
    "no norm": transformer(norm="none", activation="relu"),
    "maxout": transformer(activation="maxout", pieces=3),
    "prelu": transformer(activation="prelu"),
    "lstm": lstm(),
    "dropout": transformer(dropout=0.2, input_dropout=0.1),
    "lstm dropout": lstm(dropout=0.2, dropout_kind="gaussian"),
}


def built(model, shape=EACH, replicates=(0,), outputs=TOKENS, init=None):
    network = TokenNetwork(model, shape, outputs, len(replicates))
    streams = [Streams(0, r) for r in replicates]
    initialize(network, init or He(name="he"), streams)
    network.seed_dropout(streams, "cpu")
    return network


def tokens(replicates=1, batch=3, length=LENGTH):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(TOKENS, (replicates, batch, length), generator=generator)


@pytest.mark.parametrize("shape", [WHOLE, EACH], ids=["whole", "each"])
def test_parameters_are_as_many_as_the_published_layers_have(shape) -> None:
    width, depth, hidden = 24, 2, 96
    attention, mlp = 4 * (width**2 + width), 2 * width * hidden + hidden + width
    of_layers = depth * (attention + mlp + 4 * width) + 2 * width
    outside = TOKENS * width + width * TOKENS + TOKENS
    assert parameter_count(built(transformer(), shape)) == of_layers + outside
    learned = built(transformer(positions="learned"), shape)
    assert parameter_count(learned) == of_layers + outside + LENGTH * width
    maxout = built(MODELS["maxout"], shape)
    assert parameter_count(maxout) == of_layers + outside + depth * 2 * (width * hidden + hidden)
    width = 12
    layers = 2 * (8 * width**2 + 4 * width)
    assert parameter_count(built(lstm(), shape)) == layers + 2 * TOKENS * width + TOKENS


def test_multiply_adds_are_the_sizes_of_all_products() -> None:
    width, hidden = 24, 96
    layer = LENGTH * (4 * width**2 + 2 * width * hidden)
    pairs = LENGTH * (LENGTH + 1) // 2  # of a place with itself and those before it
    layer += 2 * pairs * width
    assert built(transformer(), EACH).multiply_adds == 2 * layer + LENGTH * width * TOKENS
    assert built(transformer(), WHOLE).multiply_adds == 2 * layer + width * TOKENS
    assert built(lstm(), WHOLE).multiply_adds == 2 * LENGTH * 8 * 12**2 + 12 * TOKENS


def test_an_lstm_is_torchs_with_open_forget_gates() -> None:
    layer = LstmLayer(1, 5, 7).double()
    reference = nn.LSTM(5, 7, batch_first=True).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 3)
        # torch has the gates in the order i, f, g, o
        order = torch.cat([torch.arange(k * 7, (k + 1) * 7) for k in (0, 1, 3, 2)])
        reference.weight_ih_l0.copy_(layer.input.weight[0].T[order])
        reference.weight_hh_l0.copy_(layer.hidden.weight[0].T[order])
        bias = layer.input.bias[0][order].clone()
        bias[7:14] += 1
        reference.bias_ih_l0.copy_(bias)
        reference.bias_hh_l0.zero_()
    x = torch.randn(1, 4, 6, 5, generator=generator, dtype=torch.float64)
    memory, outputs = layer(x.flatten(1, 2), 6)
    expected, (_, last) = reference(x[0])
    # float64 through six steps, by other kernels
    torch.testing.assert_close(outputs.view(4, 6, 7), expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(memory.view(4, 6, 7)[:, -1], last[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_a_transformer_layer_is_torchs(placement: str) -> None:
    model = transformer(positions="learned", placement=placement, depth=1)
    network = built(model).double()
    layer = network.layers[0]
    reference = nn.TransformerEncoderLayer(
        24, 4, 96, dropout=0.0, activation="gelu", batch_first=True, norm_first=placement == "pre"
    ).double()
    attention = layer.attention
    with torch.no_grad():
        for norm in layer.norms:  # what they begin with tells nothing apart
            norm.weight.normal_(1, 0.1)
            norm.bias.normal_(0, 0.1)
        parts = [attention.query, attention.key, attention.value]
        reference.self_attn.in_proj_weight.copy_(torch.cat([p.weight[0].T for p in parts]))
        reference.self_attn.in_proj_bias.copy_(torch.cat([p.bias[0] for p in parts]))
        for ours, theirs in (
            (attention.output, reference.self_attn.out_proj),
            (layer.hidden, reference.linear1), (layer.output, reference.linear2),
        ):  # fmt: skip
            theirs.weight.copy_(ours.weight[0].T)
            theirs.bias.copy_(ours.bias[0])
        for ours, theirs in zip(layer.norms, (reference.norm1, reference.norm2), strict=True):
            theirs.weight.copy_(ours.weight[0])
            theirs.bias.copy_(ours.bias[0])
    x = torch.randn(1, 3 * LENGTH, 24, dtype=torch.float64)
    mask = nn.Transformer.generate_square_subsequent_mask(LENGTH, dtype=torch.float64)
    expected = reference(x.view(3, LENGTH, 24), src_mask=mask, is_causal=True)
    found = layer(x, LENGTH, None).view(3, LENGTH, 24)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)  # float64, other kernels


def test_a_rotated_query_and_key_know_how_far_apart_they_are() -> None:
    """Products at places (2, 5) and (4, 7) are the same, those at (2, 6) are not."""
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 8, generator=generator, dtype=torch.float64)

    def product(first: int, second: int) -> float:
        turned = [rotated(v.expand(1, 1, LENGTH, 8))[0, 0] for v in (query, key)]
        return float(turned[0][first] @ turned[1][second])

    assert product(2, 5) == pytest.approx(product(4, 7), rel=1e-12)
    assert product(2, 6) != pytest.approx(product(2, 5), rel=1e-3)
    assert product(3, 3) == pytest.approx(float(query @ key), rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_no_place_sees_what_follows_it(name: str) -> None:
    network = built(MODELS[name]).eval()
    x = tokens()
    changed = x.clone()
    changed[..., 5:] = (changed[..., 5:] + 1) % TOKENS
    one, other = network(x), network(changed)
    torch.testing.assert_close(one[:, :, :5], other[:, :, :5], rtol=0, atol=0)
    assert not torch.allclose(one[:, :, 5:], other[:, :, 5:])
    first = x.clone()
    first[..., 0] = (first[..., 0] + 1) % TOKENS
    assert not torch.allclose(one[:, :, -1], network(first)[:, :, -1])


@pytest.mark.parametrize("shape", [WHOLE, EACH], ids=["whole", "each"])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_alone_and_in_a_stack(name: str, shape) -> None:
    def run(replicates):
        network = built(MODELS[name], shape, replicates)
        outputs = network(tokens(5)[list(replicates)])
        outputs.square().sum().backward()
        return outputs, dict(network.named_parameters())

    outputs, parameters = run(range(5))
    for replicates in ([2], [4, 1]):
        others, own = run(replicates)
        assert torch.equal(outputs[replicates], others)
        for key, parameter in parameters.items():
            assert torch.equal(parameter.grad[replicates], own[key].grad), key


@pytest.mark.parametrize("name", [name for name in MODELS if "dropout" not in name])
def test_gradients_are_differences(name: str) -> None:
    """Along one random direction, in float64 with steps of 1e-5: an error of order 1e-10."""
    network = built(MODELS[name], init=Orthogonal(name="orthogonal")).double()
    parameters = list(network.parameters())
    generator = torch.Generator().manual_seed(1)
    direction = [torch.randn(p.shape, generator=generator).double() for p in parameters]
    norm = math.sqrt(sum(float(d.square().sum()) for d in direction))
    torch._foreach_div_(direction, norm)

    def loss() -> torch.Tensor:
        return network(tokens()).logsumexp(dim=-1).square().mean()

    slope = sum(
        (g * d).sum()
        for g, d in zip(torch.autograd.grad(loss(), parameters), direction, strict=True)
    )
    values = []
    with torch.no_grad():
        for sign in (1, -2):
            torch._foreach_add_(parameters, direction, alpha=sign * 1e-5)
            values.append(float(loss()))
    assert (values[0] - values[1]) / 2e-5 == pytest.approx(float(slope), rel=1e-5)


def test_schemes_draw_every_map_and_no_embedding() -> None:
    network = built(transformer(width=64), init=Normal(name="normal", std=0.02, scale=2.0))
    assert len(network.maps) == 2 * 6 + 1
    for _, linear, _ in network.maps:
        linear.weight.requires_grad_(False)
        # the standard error of a standard deviation is std / sqrt(2 n)
        n = linear.weight.numel()
        assert abs(float(linear.weight.std()) / 0.04 - 1) < 5 / math.sqrt(2 * n)
        assert not linear.bias.any()
    network.embedding.weight.requires_grad_(False)
    n = network.embedding.weight.numel()
    assert abs(float(network.embedding.weight.std()) - 1) < 5 / math.sqrt(2 * n)


def test_the_gain_belongs_to_what_a_map_reads() -> None:
    """He's factor where an activation is read, 1 where the stream of the network is."""
    network = built(transformer(width=128, activation="relu"))
    of = {own.name: own.linear for own in network.maps}
    for name, variance in (("layer1.hidden", 1 / 128), ("layer1.output", 2 / 512)):
        weight = of[name].weight.detach()
        n = weight.numel()
        assert float(weight.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


def test_the_probe_hears_every_layer() -> None:
    for model in (transformer(), lstm()):
        heard = []

        def tap(name, z, h, heard=heard) -> None:
            heard.append((name, z.shape, h.shape))

        built(model)(tokens(), tap)
        width = 96 if model.name == "transformer" else 12
        shape = (1, 3 * LENGTH, width)
        assert heard == [("layer1", shape, shape), ("layer2", shape, shape)]
