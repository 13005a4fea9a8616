"""Published data sets: what they hold, where they lie, and the digest of every file.

Every digest is of the file as its authors publish it. They are what makes a mirror, or
plain http, safe to use: what arrives is compared before it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Training and test examples of each class.
_Counts = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Description:
    """What there is: shape of an example, examples (validation included), test examples.

    outputs         that a network for it needs: classes, targets, labels or tokens
    has_validation  the set brings a validation set of its own
    task            what it is for, as `task.name` has it
    vocabulary      different tokens that an example may have; 0: it has numbers
    others          task of each further target, and how many outputs a head for it needs
    counts          training and test examples of each class, where they are known
    """

    inputs: tuple[int, ...]
    outputs: int
    train: int
    test: int
    has_validation: bool = False
    task: str = "classification"
    vocabulary: int = 0
    others: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    counts: _Counts = ((), ())


@dataclass(frozen=True)
class File:
    """One file: its name, `sha256:...` or `md5:...` of its bytes, and its size where known."""

    name: str
    digest: str
    size: int | None = None


@dataclass(frozen=True)
class Source:
    """A published data set in its original files.

    name      as in `data.name`; also the folder below the data folder
    title     as reports print it
    format    `idx`: MNIST's, images and labels in a file each; `cifar`: pickled batches
    there     what there is; examples are uint8 (channels, height, width)
    train     files of the training set: [images, labels], or the batches in order
    test      files of the test set, likewise
    others    files that belong to the set but hold no examples
    mirrors   address prefixes, tried in order
    archive   the tar archive that holds the files; None: each is fetched by itself
    labels    key of the labels in a pickled batch
    """

    name: str
    title: str
    format: Literal["idx", "cifar"]
    there: Description
    train: tuple[File, ...]
    test: tuple[File, ...]
    mirrors: tuple[str, ...]
    others: tuple[File, ...] = ()
    archive: File | None = None
    labels: str = ""

    @property
    def files(self) -> tuple[File, ...]:
        """Return every file of the set, by its name below the set's folder."""
        return self.train + self.test + self.others


def _balanced(
    inputs: tuple[int, ...], classes: int, train: int, test: int, counts: _Counts | None = None
) -> Description:
    """Describe a set by its number of training and test examples.

    counts  of each class; None: all have the same number
    """
    equal = (train // classes,) * classes, (test // classes,) * classes
    return Description(inputs, classes, train, test, counts=counts or equal)


def _idx(
    name: str,
    title: str,
    mirrors: tuple[str, ...],
    *files: tuple[int, str],
    counts: _Counts | None = None,
) -> Source:
    """Return a set in MNIST's layout: 60,000 + 10,000 grey 28 x 28 images of 10 classes.

    files   size and SHA-256 of training images and labels, then of test images and labels
    counts  of each class; None: all have the same number
    """
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    found = _files([f"{stem}-ubyte.gz" for stem in stems], *files)
    there = _balanced((1, 28, 28), 10, 60_000, 10_000, counts)
    return Source(name, title, "idx", there, found[:2], found[2:], mirrors)


def _files(names: Sequence[str], *files: tuple[int, str]) -> tuple[File, ...]:
    """Return the files of these names, by their sizes and SHA-256."""
    pairs = zip(names, files, strict=True)
    return tuple(File(name, f"sha256:{digest}", size) for name, (size, digest) in pairs)


_CIFAR10 = _files(
    [
        *(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)),
        "cifar-10-batches-py/test_batch",
        "cifar-10-batches-py/batches.meta",
    ],
    (31_035_704, "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd"),
    (31_035_320, "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8"),
    (31_035_999, "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9"),
    (31_035_696, "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b"),
    (31_035_623, "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154"),
    (31_035_526, "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831"),
    (158, "f962466ef690d46b226450fb9aadc74ba4bc64a76aa526b5827fe4bc5c7125cb"),
)
_CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
_SETS = (
    # LeCun, Bottou, Bengio & Haffner 1998.
    _idx(
        "mnist",
        "MNIST",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        counts=(
            (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
            (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
        ),
    ),
    # Xiao, Rasul & Vollgraf 2017.
    _idx(
        "fashion_mnist",
        "Fashion-MNIST",
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    # Clanuwat et al. 2018; the SHA-256 as torchvision gives them.
    _idx(
        "kmnist",
        "Kuzushiji-MNIST",
        (
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
    # Krizhevsky 2009. The authors publish the archive's MD5.
    Source(
        name="cifar10",
        title="CIFAR-10",
        format="cifar",
        there=_balanced((3, 32, 32), 10, 50_000, 10_000),
        train=_CIFAR10[:5],
        test=_CIFAR10[5:6],
        others=_CIFAR10[6:],
        mirrors=_CIFAR_MIRRORS,
        archive=File("cifar-10-python.tar.gz", "md5:c58f30108f718f92721af3b95e74349a", 170_498_071),
        labels="labels",
    ),
    # Krizhevsky 2009. Only the MD5 of archive and members are published.
    Source(
        name="cifar100",
        title="CIFAR-100",
        format="cifar",
        there=_balanced((3, 32, 32), 100, 50_000, 10_000),
        train=(File("cifar-100-python/train", "md5:16019d7e3df5f24257cddd939b257f8d"),),
        test=(File("cifar-100-python/test", "md5:f0ef6b0ae62326f3e7ffdfab6717acfc"),),
        mirrors=_CIFAR_MIRRORS,
        archive=File("cifar-100-python.tar.gz", "md5:eb9058c3a382ffc7106e4002c42a8d85"),
        labels="fine_labels",
    ),
)
#: Every set that `ablate data` can fetch, by its name.
SOURCES: dict[str, Source] = {source.name: source for source in _SETS}
