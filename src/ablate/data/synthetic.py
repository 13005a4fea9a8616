"""Data sets that need no download: Gaussian classes, and scikit-learn's digits."""

import numpy as np

from ablate.config.data import Synthetic
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
