"""Labels replaced by other classes: how many, which, and never by what is studied."""

import math
from pathlib import Path

import pytest
import torch

from ablate import data
from ablate.config.data import Synthetic, UserData
from ablate.config.key import canonical, cell_key
from ablate.config.validate import run_config
from ablate.data import training_labels
from ablate.errors import ConfigError
from ablate.streams import Streams

N = 20_000
CONFIG = Synthetic(name="synthetic", shape=(2,), train_examples=N, validation_size=1000, classes=5)
DATA = data.load(CONFIG, Path())
TRUE = DATA.train[1]
REPLICATE = Streams(1, 2)
BASE = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}


def labels(share: float, streams: Streams = REPLICATE, **sizes: int) -> torch.Tensor:
    config = CONFIG.model_copy(update={"label_noise": share, **sizes})
    return training_labels(DATA, config, streams)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.7])
def test_the_share_is_replaced_by_each_other_class_alike(share: float) -> None:
    """Five standard errors of a binomial count: missed once in two million times."""
    moved = (labels(share) - TRUE) % 5
    for offset, expected in enumerate([1 - share, *[share / 4] * 4]):
        error = math.sqrt(expected * (1 - expected) / N)
        assert abs(float((moved == offset).double().mean()) - expected) < 5 * error


def test_a_larger_share_replaces_what_a_smaller_one_does_by_the_same_classes() -> None:
    some, more = labels(0.1), labels(0.2)
    replaced = some != TRUE
    assert 0 < int(replaced.sum()) < int((more != TRUE).sum())
    assert torch.equal(more[replaced], some[replaced])


def test_no_size_and_no_member_changes_what_becomes_of_an_example() -> None:
    assert torch.equal(labels(0.2, train_size=10, validation_size=7), labels(0.2))
    assert torch.equal(labels(0.2, Streams(1, 2, member=3)), labels(0.2))


def test_replicates_and_seeds_have_noise_of_their_own() -> None:
    assert not torch.equal(labels(0.2, Streams(1, 3)), labels(0.2))
    assert not torch.equal(labels(0.2, Streams(2, 2)), labels(0.2))
    held = Streams(1, 3, vary="init")
    assert torch.equal(labels(0.2, held), labels(0.2, Streams(1, 0)))


def test_none_and_all() -> None:
    assert labels(0) is TRUE
    assert not (labels(1) == TRUE).any()


def test_without_noise_nothing_is_in_the_key() -> None:
    quiet = run_config({**BASE, "data": {"name": "digits", "label_noise": 0.0}})
    assert canonical(quiet)["data"] == {"name": "digits"}
    assert cell_key(quiet) == cell_key(run_config(BASE))
    noisy = run_config({**BASE, "data": {"name": "digits", "label_noise": 0.2}})
    assert cell_key(noisy) != cell_key(quiet)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_from_0_to_1(share: float) -> None:
    with pytest.raises(ConfigError, match=r"data\.label_noise=.* must be at (least 0|most 1)"):
        run_config({**BASE, "data": {"name": "digits", "label_noise": share}})


def test_data_of_the_users_own_have_none(tmp_path: Path) -> None:
    own = UserData.model_validate({"_target_": "mylab.data.rings", "label_noise": 0.2})
    sentence = r"^data\.label_noise: mylab\.data\.rings takes no argument 'label_noise'; it takes "
    with pytest.raises(ConfigError, match=sentence):
        data.load(own, tmp_path)
