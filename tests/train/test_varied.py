"""One source of randomness varies and the others do not."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate import data as data_sets
from ablate.config.trainer import Varied
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.streams import RandomSource, Streams
from ablate.train.loop import train

SMALL = {
    "data": {"name": "synthetic", "train_examples": 240, "validation_size": 80, "shape": [6]},
    "model": {"name": "mlp", "depth": 2, "width": 10, "dropout": 0.3},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "probe": {"steps": "off"},
}
SOURCES = [source for source in get_args(Varied) if source not in ("all", "none")]
#: A small image, so that there is something to augment.
IMAGES = {"shape": [1, 6, 6], "train_examples": 240, "validation_size": 80, "name": "synthetic"}


def trained(vary: str, tmp_path, replicates=(0, 1)):
    config = run_config(
        {
            **SMALL,
            "data": {**IMAGES, "label_noise": 0.2},
            "augment": {"noise": 0.2},
            "pretrain": {"name": "autoencoders", "steps": 2},
            "trainer": {"epochs": 1, "batch_size": 20, "bootstrap": True, "vary": vary},
        }
    )
    return train(config, data_sets.load(config.data, tmp_path, 0), replicates)


def draws(streams: Streams, source: str):
    return streams.numpy(source, "x").integers(2**62)


@given(
    vary=st.sampled_from([*SOURCES, "all", "none"]),
    source=st.sampled_from(sorted(get_args(RandomSource))),
    replicate=st.integers(1, 50),
    member=st.integers(0, 5),
)
def test_only_the_source_named_depends_on_the_replicate(vary, source, replicate, member) -> None:
    first, other = Streams(7, 0, member), Streams(7, replicate, member, vary)
    free = Streams(7, replicate, member)
    expected = free if vary in ("all", source) else first
    assert draws(other, source) == draws(expected, source)


def test_every_source_that_may_vary_has_a_stream() -> None:
    assert set(SOURCES) <= set(get_args(RandomSource))


def test_without_variation_replicates_are_one_run(tmp_path) -> None:
    a, b = trained("none", tmp_path)
    assert a.losses.tobytes() == b.losses.tobytes()
    assert a.predictions.tobytes() == b.predictions.tobytes()


@pytest.mark.parametrize("source", [*SOURCES, "all"])
def test_each_source_alone_makes_replicates_differ(source, tmp_path) -> None:
    first, second = trained(source, tmp_path)
    (plain,) = trained("all", tmp_path, [0])
    assert first.losses.tobytes() == plain.losses.tobytes()  # replicate 0 is always the same
    assert second.losses.tobytes() != first.losses.tobytes()


def test_sources_differ_from_each_other(tmp_path) -> None:
    seconds = [trained(source, tmp_path)[1].losses.tobytes() for source in SOURCES]
    assert len(set(seconds)) == len(SOURCES)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trainer": {"vary": "dropout"}, "model": {"dropout": 0.0}}, "model.dropout"),
        ({"trainer": {"vary": "augment"}}, "an augment"),
        ({"trainer": {"vary": "bootstrap"}}, "trainer.bootstrap=true"),
        ({"trainer": {"vary": "label_noise"}}, "data.label_noise above 0"),
        ({"trainer": {"bootstrap": True}, "ensemble": {"name": "bagging"}}, "resamples"),
    ],
)
def test_what_cannot_vary_is_refused(changes, sentence) -> None:
    values = {key: {**SMALL.get(key, {}), **changes.get(key, {})} for key in (*SMALL, *changes)}
    with pytest.raises(ConfigError, match=sentence):
        run_config(values)


def test_a_bootstrap_sample_leaves_out_a_third_and_is_the_replicates_own(tmp_path) -> None:
    """The share of distinct examples is 1 - 1/e; three standard errors of n = 160 are 0.06."""
    from ablate.train.prepare import prepare

    config = run_config({**SMALL, "trainer": {"bootstrap": True}})
    data = data_sets.load(config.data, tmp_path, 0)
    stack = prepare(config, data, [Streams(0, r) for r in range(2)], "cpu")
    for r in range(2):
        share = len(set(stack.training_indices[r].tolist())) / 160
        assert abs(share - 0.632) < 0.07
    held = {*stack.validation_indices[0].tolist()}
    assert not held & {*stack.training_indices[0].tolist()}
    assert stack.training_indices[0].tolist() != stack.training_indices[1].tolist()


def test_stacking_changes_nothing_of_it(tmp_path) -> None:
    for source, replicate in product(SOURCES, (1, 2)):
        (alone,) = trained(source, tmp_path, [replicate])
        stacked = trained(source, tmp_path, [0, 1, 2])[replicate]
        assert alone.losses.tobytes() == stacked.losses.tobytes(), source
