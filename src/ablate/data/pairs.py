"""Two digits over each other on one canvas, and which they are: two targets of one image."""

import numpy as np
import numpy.typing as npt

from ablate.config.data import DigitsPairs, MnistPairs
from ablate.data.readers import Arrays, Examples
from ablate.streams import Streams

#: What the digit on the lower right is called.
SECOND = "second"
#: Rows and columns between the corners of the two, which the canvas is larger by than a digit.
SHIFTS = {"mnist_pairs": 8, "digits_pairs": 4}

Labels = npt.NDArray[np.int64]


def pairs(
    config: MnistPairs | DigitsPairs, digits: Examples
) -> tuple[Examples, tuple[Labels, Labels]]:
    """Return pairs of training and of test digits, and the labels of the second ones (N,) of each.

    digits  x uint8 (N, 1, side, side), y int64 (N,)

    Labels y are those of the first digit, on the upper left; a pixel is the larger of the two
    digits' (Sabour et al. 2017, where digits lie up to four pixels beside these places). Which
    digits make a pair depends on no seed, and more pairs only append.
    """
    shift, (train, test) = SHIFTS[config.name], digits
    first = _overlaid(config.name, "train", train, config.train_examples, shift)
    then = _overlaid(config.name, "test", test, config.test_examples, shift)
    return (first[0], then[0]), (first[1], then[1])


def _overlaid(
    name: str, part: str, digits: Arrays, count: int, shift: int
) -> tuple[Arrays, Labels]:
    x, y = digits
    first, second = (_drawn(f"{name} {part} {place}", len(y), count) for place in ("first", SECOND))
    side = x.shape[-1]
    canvas = np.zeros((count, 1, side + shift, side + shift), dtype=np.uint8)
    canvas[..., :side, :side] = x[first]
    corner = canvas[..., shift:, shift:]
    np.maximum(corner, x[second], out=corner)
    return (canvas, y[first]), y[second]


def _drawn(name: str, digits: int, count: int) -> npt.NDArray[np.int64]:
    """Return which digits stand in one place (count,): all of them in one order, then another."""
    streams, rounds = Streams(seed=0, replicate=0), range(-(-count // digits))
    orders = [streams.numpy("data", f"{name} {number}").permutation(digits) for number in rounds]
    return np.concatenate(orders)[:count]
