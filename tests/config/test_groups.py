"""The group files against the schema, and levels against Hydra's own composition."""

from pathlib import Path
from typing import get_args

import pytest

from ablate.config.augment import Augment
from ablate.config.compose import as_override, compose, conf_folders, package_conf, parse_override
from ablate.config.groups import layered, read_groups, with_overrides
from ablate.config.key import canonical
from ablate.config.run import RunConfig
from ablate.config.target import options_of
from ablate.config.validate import run_config
from ablate.config.yaml_file import read_yaml
from ablate.errors import ConfigError

GROUPS = read_groups([package_conf()])
NAMED = (
    "data",
    "model",
    "init",
    "loss",
    "optimizer",
    "schedule",
    "penalty",
    "heads",
    "ensemble",
    "stopping",
    "pretrain",
)
FILES = sorted(path for group in NAMED for path in package_conf().glob(f"{group}/*.yaml"))


def members(group: str) -> tuple[type, ...]:
    return tuple(options_of(RunConfig.model_fields[group].annotation))


def option_class(group: str, name: str) -> type:
    for member in members(group):
        if name in get_args(member.model_fields["name"].annotation):
            return member
    raise AssertionError(f"{group} {name} has a file but no class")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_a_group_file_says_every_field_with_the_schemas_default(path: Path) -> None:
    """Else Hydra would refuse a key, or a default would enter the canonical form."""
    content = read_yaml(path)
    fields = option_class(path.parent.name, path.stem).model_fields
    defaults = {name: field.default for name, field in fields.items() if name != "name"}
    listed = {k: list(v) if isinstance(v, tuple) else v for k, v in defaults.items()}
    assert content == {"name": path.stem, **listed}


@pytest.mark.parametrize("group", NAMED)
def test_every_option_of_the_schema_has_a_file(group: str) -> None:
    names = {n for m in members(group) for n in get_args(m.model_fields["name"].annotation)}
    assert names == set(GROUPS.options[group])


@pytest.mark.parametrize("preset", sorted(GROUPS.options["augment"]))
def test_an_augmentation_says_every_setting(preset: str) -> None:
    """Presets of one class: what one turns on, the next must turn off."""
    content = GROUPS.options["augment"][preset]
    assert set(content) == set(Augment.model_fields)
    assert (Augment.model_validate(dict(content)) == Augment()) is (preset == "none")


def test_options_that_do_nothing_leave_no_trace_in_the_canonical_form() -> None:
    values = {"data": {"name": "digits"}, "model": {"name": "mlp"}, "optimizer": {"name": "sgd"}}
    off = {
        group: dict(GROUPS.options[group][option])
        for group, option in {
            "loss": "cross_entropy", "penalty": "none", "augment": "none",
            "ensemble": "none", "stopping": "none", "heads": "none", "pretrain": "none",
        }.items()
    }  # fmt: skip
    assert canonical(run_config(values | off)) == canonical(run_config(values))


NONSENSE = [
    ({"optimizer": "lbfgs", "model.dropout": 0.5}, "line search"),
    ({"optimizer": "lbfgs", "penalty": "l1"}, "smooth loss"),
    ({"ensemble": "mc_dropout"}, "needs dropout"),
    ({"ensemble": "snapshot", "stopping": "patience"}, "spread over the whole training"),
    ({"ensemble": "snapshot", "ensemble.size": 9}, "at most ensemble.snapshots=5"),
    ({"pretrain": "autoencoders", "model": "cnn"}, "for the layers of model=mlp"),
    ({"pretrain": "source"}, "a class of both would train on what validates"),
    ({"pretrain": "source", "data": "synthetic"}, "cannot be split by classes"),
    ({"trainer.vary": "pretrain"}, "it needs a pretrain"),
    ({"data.classes": [1, 2, 1]}, "data.classes=.* names a class twice"),
    ({"model": "resnet20", "model.activation": "maxout"}, "one piece"),
    ({"heads": "others", "heads.shared": 3}, "the model has 2 hidden layers"),
    ({"heads": "reconstruction", "heads.shared": 1, "model": "cnn"}, "share all hidden layers"),
]


@pytest.mark.parametrize(("overrides", "reason"), NONSENSE, ids=lambda value: str(value)[:40])
def test_options_that_do_not_go_together_are_refused_in_one_sentence(
    overrides: dict, reason: str, tmp_path: Path
) -> None:
    composed = compose([as_override(*item) for item in overrides.items()], tmp_path)
    assert composed is not None
    with pytest.raises(ConfigError, match=reason) as caught:
        run_config(composed.base)
    assert "\n" not in str(caught.value)


CASES = [
    [("init", "normal"), ("init.std", 0.5)],
    [("model", "cnn")],
    [("optimizer", "adam")],
    [("optimizer", "sgd"), ("schedule", "cosine"), ("schedule.final", 0.1)],
    [("model.width", [64, 32]), ("model.depth", None)],
    [("data", "synthetic"), ("data.shape", [3, 8, 8])],
]


@pytest.mark.parametrize("level", CASES, ids=str)
def test_a_level_gives_what_hydra_composes(level: list, tmp_path: Path) -> None:
    baseline = {"optimizer.lr": 0.3, "init.scale": 2.0, "trainer.epochs": 1}
    words = [as_override(key, value) for key, value in baseline.items()]
    composed = compose(words, tmp_path)
    assert composed is not None
    ours = with_overrides(composed.base, GROUPS, list(baseline.items()), level)
    theirs = compose([*words, *(as_override(key, value) for key, value in level)], tmp_path)
    assert theirs is not None
    assert run_config(ours) == run_config(theirs.base)


def test_a_choice_forgets_values_that_the_option_does_not_have() -> None:
    layers = [
        {"optimizer": "momentum", "optimizer.momentum": 0.5, "optimizer.lr": 0.3},
        {"optimizer": "adam"},
    ]
    assert layered(layers, GROUPS) == {"optimizer": "adam", "optimizer.lr": 0.3}


def test_the_base_is_left_as_it_is() -> None:
    base = {"init": {"name": "he", "scale": 1.0}}
    with_overrides(base, GROUPS, [], [("init.scale", 3.0)])
    assert base == {"init": {"name": "he", "scale": 1.0}}


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (
            "optimizr.lr",
            "unknown key 'optimizr.lr'; the top-level keys are augment, data, ensemble, heads",
        ),
        ("optimizr.lr", "Did you mean 'optimizer'?"),
        ("optimizer.lrr", "Did you mean 'lr'?"),
        (
            "probe.step",
            "unknown key 'probe.step'; probe has examples, histograms, steps, train_accuracy, units "
            "or weights. Did you",
        ),
        ("launch.worker", "Did you mean 'workers'?"),
        ("paths.rot", "unknown key 'paths.rot'; paths has root."),
        ("seed.x", "unknown key 'seed.x'; seed has no keys."),
    ],
)
def test_unknown_keys(key: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        GROUPS.check_key(key, "here")
    assert sentence in str(caught.value)


def test_an_option_without_keys_says_so() -> None:
    with pytest.raises(ConfigError, match="penalty 'none' has no 'strength'; it has nothing"):
        GROUPS.check_fields({"penalty.strength": 0.1}, "here")


def test_swept_values_come_apart_from_the_base(tmp_path: Path) -> None:
    composed = compose(["init=he,xavier", "optimizer.lr=range(1,3)", "seed=4"], tmp_path, True)
    assert composed is not None
    assert composed.base["seed"] == 4
    assert composed.swept == {"init": ["he", "xavier"], "optimizer.lr": [1, 2]}


def test_a_users_own_conf_adds_an_option(tmp_path: Path) -> None:
    (tmp_path / "conf" / "init").mkdir(parents=True)
    (tmp_path / "conf" / "init" / "tiny.yaml").write_text("name: normal\nscale: 1.0\nstd: 1e-4\n")
    folders = conf_folders(tmp_path)
    assert read_groups(folders).options["init"]["tiny"]["std"] == 1e-4
    composed = compose(["init=tiny"], tmp_path)
    assert composed is not None
    assert composed.base["init"] == {"name": "normal", "scale": 1.0, "std": 1e-4}


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "a b", "it's", [1, 2], {"a": 1}], ids=str)
def test_an_override_reads_back_as_it_was(value: object) -> None:
    assert parse_override(as_override("a.b", value))[:2] == ("a.b", value)


@pytest.mark.parametrize("word", ["init", "=3", "a=b=[", "--x"])
def test_what_is_no_override_says_so(word: str) -> None:
    with pytest.raises(ConfigError, match="is not an override"):
        parse_override(word)
