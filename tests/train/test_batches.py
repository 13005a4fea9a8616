import numpy as np
import pytest
import torch

from ablate.train.batches import examples, scaling

CPU = torch.device("cpu")


def stored(dtype, shape=(3, 4, 4), n=20):
    rng = np.random.default_rng(0)
    if dtype == torch.uint8:
        return torch.from_numpy(rng.integers(0, 256, (n, *shape), dtype=np.uint8))
    return torch.from_numpy(rng.standard_normal((n, *shape)).astype(np.float32))


def pool(x, statistics, replicates=2, batch_size=8):
    rule = scaling(x, statistics, replicates, CPU)
    return examples(x, torch.arange(len(x)), rule, batch_size)


def per_channel(seed):
    rng = np.random.default_rng(seed)
    mean, std = rng.uniform(0.2, 0.8, (2, 3, 1, 1)).astype(np.float32)
    return torch.from_numpy(mean), torch.from_numpy(std)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
@pytest.mark.parametrize("size", [8, 5, 1])
def test_each_replicate_gets_its_examples_scaled_by_its_statistics(dtype, size):
    x = stored(dtype)
    statistics = [per_channel(1), per_channel(2)]
    indices = torch.from_numpy(np.random.default_rng(3).integers(0, 20, (2, size)))
    inputs, labels = pool(x, statistics).batch(indices)
    assert inputs.shape == (2, size, 3, 4, 4)
    assert torch.equal(labels, indices)  # the label of an example is its number here
    unit = 255 if dtype == torch.uint8 else 1
    for r, (mean, std) in enumerate(statistics):
        expected = (x[indices[r]].double() / unit - mean) / std
        # float32: two roundings of values up to about 5.
        torch.testing.assert_close(inputs[r].double(), expected, rtol=1e-5, atol=1e-6)


def test_without_normalization_bytes_are_divided_by_255():
    inputs, _ = pool(stored(torch.uint8), None).batch(torch.tensor([[0], [1]]))
    expected = stored(torch.uint8)[:2].unsqueeze(1) / 255
    torch.testing.assert_close(inputs, expected, rtol=1e-6, atol=0)


def test_without_normalization_floats_stay():
    x = stored(torch.float32, shape=(7,))
    inputs, _ = pool(x, None).batch(torch.tensor([[4, 2], [0, 1]]))
    assert torch.equal(inputs[0], x[[4, 2]])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
def test_a_stack_has_the_bits_of_each_replicate_alone(dtype):
    x = stored(dtype, shape=(3, 5, 5))
    statistics = [per_channel(seed) for seed in range(4)]
    indices = torch.from_numpy(np.random.default_rng(3).integers(0, 20, (4, 7)))
    together = pool(x, statistics, replicates=4).batch(indices)[0].clone()
    for r in range(4):
        alone, _ = pool(x, statistics[r : r + 1], replicates=1).batch(indices[r : r + 1])
        assert torch.equal(together[r], alone[0])
