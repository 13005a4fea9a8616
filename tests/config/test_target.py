"""A user's own code in a config: its form, its place in the key, what it goes with."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.compose import as_override, package_conf, parse_override
from ablate.config.groups import layered, read_groups, split_user_code, with_overrides
from ablate.config.key import canonical, cell_key, run_key
from ablate.config.run import RunConfig
from ablate.config.target import TARGET_GROUPS
from ablate.config.validate import run_config
from ablate.errors import ConfigError

GROUPS = read_groups([package_conf()])
BASE = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
NET = {"_target_": "mylab.nets.Net", "width": 8}


def test_the_groups_that_may_be_user_code_are_those_of_the_config() -> None:
    """`Groups` lays levels over mappings before a config is made, so it has a list of its own."""
    values = {**BASE, "optimizer": {"_target_": "a.b", "lr": 1.0}, "augment": {}, "loss": {}}
    accepted = set()
    for group in set(RunConfig.model_fields) - {"optimizer", "metric"}:
        with contextlib.suppress(ConfigError):
            accepted |= run_config({**values, group: {"_target_": "a.b"}}).user_code.keys()
    assert accepted == set(TARGET_GROUPS)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["width", "target", "arguments", "name"]), PLAIN)


@given(arguments=ARGUMENTS)
def test_what_was_written_comes_back(arguments):
    config = run_config({**BASE, "model": {"_target_": "a.b", **arguments}})
    dumped = config.model_dump(mode="json")
    assert dumped["model"] == {"_target_": "a.b", **arguments}
    assert run_config(dumped) == config
    assert run_config(canonical(config)) == config


@given(arguments=st.dictionaries(st.sampled_from(["epochs", "x"]), PLAIN))
def test_a_training_procedure_comes_back_with_its_arguments(arguments):
    written = {"_target_": "a.b", **arguments, "device": "cpu"}
    config = run_config({**BASE, "trainer": written})
    assert config.trainer.is_user_code
    dumped = config.model_dump(mode="json")["trainer"]
    kept = {"cpu_capability": "auto", "stack": "auto", "save": "none"}
    assert dumped == {**written, **kept}
    assert run_config({**BASE, "trainer": dumped}) == config


def test_whole_numbers_and_floats_are_one_setting_of_own_code():
    one = run_config({**BASE, "model": {"_target_": "a.b", "width": 8, "deep": [1]}})
    same = run_config({**BASE, "model": {"_target_": "a.b", "width": 8.0, "deep": [1.0]}})
    other = run_config({**BASE, "model": {"_target_": "a.b", "width": 9, "deep": [1]}})
    assert cell_key(one) == cell_key(same) != cell_key(other)


def test_sources_enter_the_key_of_a_run_and_not_of_a_cell():
    config = run_config({**BASE, "model": NET})
    keys = {
        run_key(config, 0, "cpu", "d", sources=s) for s in (None, {"model": "1"}, {"model": "2"})
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": {"_target_": "Net"}}, "model._target_='Net' is not allowed: it must be a dotted path"),
        ({"model": {"_target_": "a.b", "_partial_": True}}, "must be the name of a keyword argument"),
        ({"model": {"_target_": "a.b", "w": {"_target_": "c.d"}}}, "model.w="),
        ({"model": {**NET}, "init": {"name": "xavier"}}, "a model of your own draws its own weights"),
        ({"model": {**NET}, "penalty": {"name": "max_norm"}}, "it has to know the layers of a model"),
        ({"optimizer": {"_target_": "a.b"}}, "optimizer.lr=None is not allowed with optimizer=a.b"),
        ({"trainer": {"command": "x", "_target_": "a.b"}}, "give one of them"),
        ({"trainer": {"command": " "}}, "trainer.command is empty"),
        ({"trainer": {"_target_": "a.b"}, "ensemble": {"name": "seeds"}}, "no members to combine"),
        ({"model": {**NET}, "heads": {"name": "others"}}, "it has to know a chain of layers to branch off"),
        ({"trainer": {"_target_": "a.b"}, "heads": {"name": "others"}}, "trains what it likes"),
        ({"trainer": {"_target_": "a.b"}, "data": {"name": "digits", "labelled": 9}}, "with their labels"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        run_config({**BASE, **changes})
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_levels_lie_over_own_code_as_over_options():
    earlier = [("model", NET), ("model.norm", True), ("optimizer.lr", 0.3)]
    composed, own = split_user_code(earlier)
    assert composed == [("optimizer.lr", 0.3)]
    base = with_overrides({"model": {"name": "mlp"}, "optimizer": {"lr": 0.3}}, GROUPS, (), own)
    assert base["model"] == {**NET, "norm": True}
    narrower = with_overrides(base, GROUPS, composed, [("model.width", 2)])
    assert narrower["model"] == {**NET, "norm": True, "width": 2}
    assert base["model"]["width"] == 8
    shipped = with_overrides(base, GROUPS, composed, [("model", "lenet")])
    assert shipped["model"]["name"] == "lenet"
    assert "width" not in shipped["model"]


def test_choosing_own_code_forgets_the_settings_of_the_option_before():
    merged = layered([{"model": "mlp", "model.depth": 5}, {"model": NET}], GROUPS)
    assert merged == {"model": NET}
    assert layered([{"model": NET, "model.norm": True}, {"model": "mlp"}], GROUPS) == {
        "model": "mlp"
    }


def test_the_command_line_reads_what_it_writes():
    assert parse_override(as_override("model", NET))[:3] == ("model", NET, False)
    key, values, several, _ = parse_override("model.width=[1,2],[3,4]")
    assert (key, values, several) == ("model.width", [[1, 2], [3, 4]], True)


def test_a_group_without_own_code_takes_no_mapping():
    with pytest.raises(ConfigError, match="init is a mapping; write the name of an option"):
        GROUPS.check_override("init", {"_target_": "a.b"}, "here")
    with pytest.raises(ConfigError, match="model has"):
        GROUPS.check_override("model.attention", True, "here")
    GROUPS.open({"model": NET}).check_override("model.attention", True, "here")
