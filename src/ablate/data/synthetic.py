"""Data sets that need no download: generated ones, and those that scikit-learn ships."""

import numpy as np

from ablate.config.data import Friedman, Synthetic, UnequalScales
from ablate.data.readers import Arrays, Examples
from ablate.streams import Streams


def gaussian_classes(config: Synthetic, seed: int) -> Examples:
    """Draw training and test examples: x = separation * mean[class] + N(0, 1).

    x is float32 (N, *shape), y int64 (N,); the means' entries are N(0, 1) draws and the
    classes are of equal size (to within one). The same seed gives the same set in every
    replicate and cell: neither replicate nor separation enters the draws, and more examples
    only append.
    """
    streams = Streams(seed, replicate=0)
    means = _normal(streams, "means", (config.classes, *config.shape))

    def draw(name: str, count: int) -> Arrays:
        y = np.arange(count, dtype=np.int64) % config.classes
        noise = _normal(streams, name, (count, *config.shape))
        return np.float32(config.separation) * means[y] + noise, y

    return draw("train", config.train_examples), draw("test", config.test_examples)


def _normal(streams: Streams, name: str, shape: tuple[int, ...]) -> np.ndarray:
    return streams.numpy("data", name).standard_normal(shape, dtype=np.float32)


def digits() -> Examples:
    """Return 1,437 training and 360 test images of handwritten digits (Alpaydin & Kaynak 1998).

    x is uint8 (N, 1, 8, 8), y int64 (N,). The original grey values 0..16 become
    round(k * 255 / 16): one to one, so nothing is lost, and on the scale of all other images.
    The test set is the same always: every fifth image of each class in one fixed order, so
    that it depends on no seed and holds the classes in their proportions.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = np.rint(images * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    y = labels.astype(np.int64)
    order = Streams(seed=0, replicate=0).numpy("data", "digits").permutation(len(y))
    is_test = np.zeros(len(y), dtype=bool)
    is_test[order[np.argsort(y[order], kind="stable")][::5]] = True
    return (x[~is_test], y[~is_test]), (x[is_test], y[is_test])


def friedman(config: Friedman, seed: int) -> Examples:
    """Draw features x ~ U[0, 1], float32 (N, D), and y = f(x) + noise N(0, 1), float32 (N, 1).

    f is `friedman_function`. The same seed gives the same examples in every replicate and cell:
    neither the noise nor the number of features moves what is drawn of the others.
    """
    streams = Streams(seed, replicate=0)

    def drawn(name: str) -> np.random.Generator:
        return streams.numpy("data", f"friedman {name}")

    def draw(part: str, count: int) -> Arrays:
        numbers = range(config.features)
        columns = [drawn(f"{part} {number}").random(count) for number in numbers]
        noise = drawn(f"{part} noise").standard_normal(count)
        y = friedman_function(*columns[:5]) + config.noise * noise
        return np.stack(columns, axis=1).astype(np.float32), y.astype(np.float32)[:, None]

    return draw("train", config.train_examples), draw("test", config.test_examples)


def friedman_function(
    x1: np.ndarray, x2: np.ndarray, x3: np.ndarray, x4: np.ndarray, x5: np.ndarray
) -> np.ndarray:
    """Return 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 (Friedman 1991, section 4.3)."""
    return np.asarray(10 * np.sin(np.pi * x1 * x2) + 20 * (x3 - 0.5) ** 2 + 10 * x4 + 5 * x5)


#: Between which numbers each feature of `unequal_scales` lies.
_SCALES = ((1000.0, 2000.0), (0.1, 0.2))


def unequal_scales(config: UnequalScales, seed: int) -> Examples:
    """Draw x1 ~ U[1000, 2000] and x2 ~ U[0.1, 0.2], float32 (N, 2), and y float32 (N, 1).

    y = z1 + z2 + noise N(0, 1), with z = (x - mean) / standard deviation by the distribution of
    each feature, so that both matter alike: no prediction has an R^2 above 2 / (2 + noise^2). The
    same seed gives the same examples in every replicate and cell.
    """
    streams = Streams(seed, replicate=0)

    def drawn(name: str) -> np.random.Generator:
        return streams.numpy("data", f"unequal scales {name}")

    def draw(part: str, count: int) -> Arrays:
        even = np.stack([drawn(f"{part} {i}").random(count) for i in (1, 2)], axis=1)
        low, high = np.array(_SCALES).T
        # Of [0, 1] the standard deviation is 1 / sqrt(12).
        told = ((even - 0.5) * np.sqrt(12)).sum(axis=1)
        y = told + config.noise * drawn(f"{part} noise").standard_normal(count)
        x = low + (high - low) * even
        return x.astype(np.float32), y.astype(np.float32)[:, None]

    return draw("train", config.train_examples), draw("test", config.test_examples)


def diabetes() -> Examples:
    """Return 354 training and 88 test patients: x float32 (N, 10), y float32 (N, 1).

    Measurements are in their own units: age, sex, body mass index, blood pressure, and six of the
    serum. The test set is the same always.
    """
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    order = Streams(seed=0, replicate=0).numpy("data", "diabetes").permutation(len(y))
    x, y = x.astype(np.float32)[order], y.astype(np.float32)[order, None]
    return (x[88:], y[88:]), (x[:88], y[:88])
