from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from ablate import data as data_sets
from ablate.config.compose import package_conf
from ablate.config.key import canonical
from ablate.config.validate import run_config
from ablate.data.whitening import check_whitening, whitening
from ablate.errors import ConfigError
from ablate.nn.architectures import Shape, multiply_adds
from ablate.streams import Streams
from ablate.train.loop import train
from ablate.train.prepare import prepare

#: A small run on images in bytes.
DIGITS: dict[str, Any] = {
    "data": {"name": "digits", "train_size": 500, "validation_size": 100, "normalize": "whitened"},
    "model": {"name": "mlp", "width": 20, "depth": 1},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "trainer": {"epochs": 1, "batch_size": 32},
}


def config(**changes: Any):
    return run_config({**DIGITS, **changes})


def correlated(examples: int = 400, features: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(features, features, generator=generator)
    return torch.randn(examples, features, generator=generator) @ mixing + 3


def unscaled() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones(1, 1), torch.zeros(1, 1)


def covariance(z: torch.Tensor) -> torch.Tensor:
    z = z - z.mean(dim=0)
    return z.T @ z / len(z)


def test_whitened_training_inputs_have_the_identity_as_covariance() -> None:
    x, chosen = correlated(), torch.arange(50, 350)
    mean, matrix = whitening(x, chosen, *unscaled(), eps=1e-9)
    whitened = (x[chosen].double() - mean) @ matrix
    # The smallest variance here is above 0.01: eps takes 1e-7 of it away.
    assert torch.linalg.eigvalsh(covariance(x[chosen].double()))[0] > 0.01
    torch.testing.assert_close(
        covariance(whitened), torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-6
    )
    assert whitened.mean(dim=0).abs().max() < 1e-12
    # Others have statistics of their own, and are not white by those of the chosen.
    others = (x[350:].double() - mean) @ matrix
    assert (covariance(others) - torch.eye(6, dtype=torch.float64)).abs().max() > 0.05


def test_it_changes_inputs_least() -> None:
    """ZCA is symmetric and positive: every further rotation moves inputs further away."""
    x = correlated()
    mean, matrix = whitening(x, torch.arange(400), *unscaled(), eps=1e-9)
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(matrix)[0] > 0
    z = x.double() - mean
    rotation, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    assert ((z @ matrix - z) ** 2).sum() < ((z @ matrix @ rotation - z) ** 2).sum()


def test_a_direction_that_varies_little_stays_small() -> None:
    """Of variance l it has l / (l + eps) afterwards; a pixel that never varies is 0."""
    variances = torch.tensor([4.0, 0.01, 0.0001, 0.0], dtype=torch.float64)
    # Columns of a Hadamard matrix: uncorrelated, each of variance 1.
    signs = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    x = torch.cat([signs, torch.zeros(4, 1)], dim=1) * variances.sqrt() + 5
    mean, matrix = whitening(x, torch.arange(4), *unscaled(), eps=0.01)
    whitened = (x - mean) @ matrix
    expected = variances / (variances + 0.01)
    torch.testing.assert_close(covariance(whitened), expected.diag(), rtol=0, atol=1e-12)
    # Where it does vary in another example, by no more than 1 / sqrt(eps) = 10 times that.
    odd = torch.zeros(1, 4, dtype=torch.float64)
    odd[0, 3] = 1
    assert float((odd @ matrix).norm()) == pytest.approx(10)


def test_every_part_of_the_data_is_whitened_by_the_training_split_of_its_replicate(
    tmp_path: Path,
) -> None:
    """And in its own shape; single precision of sums of 64 products below 100."""
    whole = data_sets.load(config().data, tmp_path)
    streams = [Streams(0, replicate) for replicate in (0, 1)]
    stack = prepare(config(), whole, streams, "cpu")
    plain = prepare(config(data={**DIGITS["data"], "normalize": True}), whole, streams, "cpu")
    for part in ("training", "validation", "test"):
        indices = getattr(stack, f"{part}_indices")
        inputs = getattr(stack, part).batch(indices[:, :100])[0].clone()
        before = getattr(plain, part).batch(indices[:, :100])[0]
        assert inputs.shape == before.shape
        for r in (0, 1):
            rows = plain.training_indices.split(100, dim=1)
            seen = [plain.training.batch(some)[0][r].double().flatten(1) for some in rows]
            trained = torch.cat(seen)
            found, directions = torch.linalg.eigh(covariance(trained))
            matrix = directions @ (found.clamp(min=0) + 0.01).rsqrt().diag() @ directions.T
            before = getattr(plain, part).batch(indices[:, :100])[0][r].double().flatten(1)
            expected = (before - trained.mean(dim=0)) @ matrix
            torch.testing.assert_close(
                inputs[r].double().flatten(1), expected, rtol=1e-4, atol=1e-4
            )
    assert not torch.equal(stack.test.scaling.whitener[0], stack.test.scaling.whitener[1])


def test_features_on_any_scale_are_whitened_alike(tmp_path: Path) -> None:
    """They are scaled first, so that eps means the same to each; single precision."""
    x, y = correlated(), torch.arange(400) % 2
    units = torch.tensor([1e3, 1, 1e-3, 1, 10, 1])

    def inputs(x: torch.Tensor) -> torch.Tensor:
        given = data_sets.Data((x, y), None, (x[:50], y[:50]), 2)
        values = {"name": "synthetic", "shape": [6], "validation_size": 10}
        stack = prepare(
            config(data={**values, "normalize": "whitened"}), given, [Streams(0, 0)], "cpu"
        )
        return stack.test.batch(stack.test_indices)[0]

    torch.testing.assert_close(inputs(x * units), inputs(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("augment", [{}, {"noise": 0.1}], ids=["plain", "augmented"])
def test_a_stack_has_the_bits_of_each_replicate_alone(
    augment: dict[str, Any], tmp_path: Path
) -> None:
    own = config(augment=augment)
    whole = data_sets.load(own.data, tmp_path)
    together, (alone,) = train(own, whole, [3, 1, 0]), train(own, whole, [1])
    assert together[1].losses.tobytes() == alone.losses.tobytes()
    assert together[1].metrics == alone.metrics
    plain = config(data={**DIGITS["data"], "normalize": True}, augment=augment)
    assert train(plain, whole, [1])[0].losses.tobytes() != alone.losses.tobytes()


def test_what_a_prediction_costs_includes_whitening(tmp_path: Path) -> None:
    """Of MNIST's images more than the step of a small network: 784 x 784 multiply-adds each."""
    whole = data_sets.load(config().data, tmp_path)
    (whitened,) = train(config(), whole, [0])
    (plain,) = train(config(data={**DIGITS["data"], "normalize": True}), whole, [0])
    assert plain.multiply_adds == 64 * 20 + 20 * 10
    assert whitened.multiply_adds == plain.multiply_adds + 64 * 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"augment": {"test_flip": True}}, "is not allowed with augment.test_crops", id="views"
        ),
        pytest.param(
            {"trainer": {"target": "mylab.train.fit", "arguments": {}}},
            "with a training procedure of your own",
            id="procedure",
        ),
        pytest.param(
            {"data": {"name": "digits", "normalize": "white"}},
            r"^data.normalize='white' is not allowed: it must be true or false or whitened\.$",
            id="word",
        ),
    ],
)
def test_what_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(**changes)


def test_tokens_and_huge_images_are_refused() -> None:
    grammar = config(data={"name": "grammar", "normalize": "whitened"}, model={"name": "lstm"}).data
    with pytest.raises(ConfigError, match="data=grammar, whose examples are tokens"):
        check_whitening(grammar, data_sets.describe(grammar))
    huge = config(data={"name": "synthetic", "shape": [3, 64, 64], "normalize": "whitened"}).data
    with pytest.raises(ConfigError, match="12288 numbers"):
        check_whitening(huge, data_sets.describe(huge))


def test_other_settings_have_the_key_that_they_had() -> None:
    assert "normalize" not in canonical(config(data={"name": "digits"}))["data"]
    assert canonical(config(data={"name": "digits", "normalize": False}))["data"] == {
        "name": "digits", "normalize": False,
    }  # fmt: skip
    assert canonical(config(data={"name": "digits", "normalize": "whitened"}))["data"] == {
        "name": "digits", "normalize": "whitened",
    }  # fmt: skip


def test_the_costs_that_the_study_names() -> None:
    """A step passes a batch forward once, and back at twice the cost; eigenvectors take D^3."""
    study = yaml.safe_load((package_conf() / "study" / "whitening.yaml").read_text("utf-8"))
    examples, images = study["baseline"]["data.train_size"], 28 * 28
    run = config(
        data={"name": "mnist"},
        model={"name": "mlp", "width": 100, "depth": 3},
        trainer={"steps": 1},
    )
    network = multiply_adds(run.model, Shape((1, 28, 28)), 10)
    step = 3 * run.trainer.batch_size * network
    matrix = examples * images**2 + images**3
    caveat = study["caveats"][0]
    for text in (f"{images**2:,} multiply-adds", f"six times the {network:,} of the network",
                 f"{matrix / 1e9:.1f} billion", f"{matrix / step:.0f} steps"):  # fmt: skip
        assert text in caveat
    assert round(images**2 / network) == 6
