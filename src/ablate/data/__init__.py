"""Data sets: what they are, where they lie, how they are read and split.

Importing this loads neither torch nor pooch nor scikit-learn.
"""

from ablate.data.dataset import Data, Other
from ablate.data.description import (
    check_sizes,
    describe,
    digest,
    examples_of,
    inputs_of,
    notes_of,
    others_of,
    outputs_of,
    task_of,
)
from ablate.data.fetch import fetch
from ablate.data.load import check_available, load, load_test_set
from ablate.data.pretraining import check_pretraining, digest_of_all, unlabelled
from ablate.data.sources import SOURCES
from ablate.data.splits import (
    Split,
    channel_statistics,
    split,
    split_statistics,
    training_labels,
)
from ablate.data.whitening import check_whitening

__all__ = [
    "SOURCES",
    "Data",
    "Other",
    "Split",
    "channel_statistics",
    "check_available",
    "check_pretraining",
    "check_sizes",
    "check_whitening",
    "describe",
    "digest",
    "digest_of_all",
    "examples_of",
    "fetch",
    "inputs_of",
    "load",
    "load_test_set",
    "notes_of",
    "others_of",
    "outputs_of",
    "split",
    "split_statistics",
    "task_of",
    "training_labels",
    "unlabelled",
]
