"""Options of a run, and few rows in which every pair of them meets."""

import itertools
from typing import Any, get_args

from ablate import data as data_sets
from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.config.model import DropoutKind, Norm
from ablate.config.run import RunConfig
from ablate.config.validate import run_config
from ablate.data.augment_check import check_augment
from ablate.errors import ConfigError
from ablate.nn import architectures
from ablate.study.task_check import check_task

OPTIONS = read_groups([package_conf()]).options
SIZES = {"train_examples": 96, "test_examples": 24, "validation_size": 24}
DATA: dict[str, dict[str, Any]] = {
    "digits": {"name": "digits", "train_size": 64, "validation_size": 24, "test_size": 24},
    "white": {
        "name": "digits",
        "train_size": 64,
        "validation_size": 24,
        "test_size": 24,
        "normalize": "whitened",
    },
    "features": {"name": "synthetic", "shape": [20], **SIZES},
    "gray": {"name": "synthetic", "shape": [1, 16, 16], **SIZES},
    "colour": {"name": "synthetic", "shape": [3, 16, 16], **SIZES},
}
FACTORS: dict[str, list[Any]] = {
    "optimizer": sorted(OPTIONS["optimizer"]),
    "penalty": [*sorted(OPTIONS["penalty"]), "l1 proximal"],
    "augment": [
        "none",
        "standard",
        "affine",
        "lens",
        "noise",
        "mixup",
        "alternating_flip",
        "views",
    ],
    "norm": list(get_args(Norm)),
    "dropout": ["none", *get_args(DropoutKind)],
    "heads": ["none", "reconstruction"],
    "ensemble": sorted(OPTIONS["ensemble"]),
    "model": ["mlp", "cnn", "lenet", "fitnet1", "resnet20"],
    "data": list(DATA),
    "precision": ["fp32", "bf16"],
    "stopping": sorted(OPTIONS["stopping"]),
    "schedule": sorted(OPTIONS["schedule"]),
    "pretrain": ["none", "autoencoders"],
    "frozen": [0, 1, "hidden"],
}
OF_TOKENS = ("transformer", "lstm")
NEUTRAL = {
    "optimizer": "momentum", "penalty": "none", "augment": "none", "norm": "none",
    "dropout": "none", "ensemble": "none", "model": "mlp", "data": "digits",
    "precision": "fp32", "stopping": "none", "schedule": "constant", "heads": "none",
    "pretrain": "none", "frozen": 0,
}  # fmt: skip


def settings(row: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a run for one row of the covering array."""
    penalty, proximal = row["penalty"].partition(" ")[::2]
    augment = dict(OPTIONS["augment"]["none" if row["augment"] == "views" else row["augment"]])
    augment |= {"cutout": min(augment["cutout"], 4)}
    if row["augment"] == "views":
        augment |= {"test_crops": 5, "test_flip": True}
    ensemble = dict(OPTIONS["ensemble"][row["ensemble"]])
    ensemble |= {"size": 2} if row["ensemble"] != "none" else {}
    ensemble |= {"snapshots": 2} if row["ensemble"] == "snapshot" else {}
    ensemble |= {"passes": 2} if row["ensemble"] == "mc_dropout" else {}
    model = {"name": row["model"], "norm": row["norm"], "statistics": "population"}
    if row["model"] in OF_TOKENS:
        kept = {} if row["norm"] == "none" and row["model"] == "lstm" else {"norm": row["norm"]}
        model = {"name": row["model"], "width": 16, **kept}
    pretrain = dict(OPTIONS["pretrain"][row["pretrain"]])
    pretrain |= {"steps": 3, "noise": 0.2} if pretrain["name"] == "autoencoders" else {}
    trainer = {"epochs": 1, "batch_size": 32, "precision": row["precision"]}
    if row["dropout"] != "none":
        model |= {"dropout": 0.2, "input_dropout": 0.1, "dropout_kind": row["dropout"]}
    return {
        "data": _of_task(row) if "task" in row else DATA[row["data"]],
        **({"task": {"_target_": "mylab.tasks.Grades"}} if row.get("task") == "own" else {}),
        "model": model | (_small_mlp(penalty) if row["model"] == "mlp" else {}),
        "optimizer": dict(OPTIONS["optimizer"][row["optimizer"]]),
        "schedule": dict(OPTIONS["schedule"][row["schedule"]]) | {"warmup": 0.5},
        "penalty": dict(OPTIONS["penalty"][penalty]) | ({"proximal": True} if proximal else {}),
        "augment": augment,
        "heads": dict(OPTIONS["heads"][row["heads"]]),
        "ensemble": ensemble,
        "stopping": dict(OPTIONS["stopping"][row["stopping"]]),
        "pretrain": pretrain,
        "trainer": trainer | {"frozen": row["frozen"]},
        "probe": {"steps": "ends", "examples": 16, "histograms": True},
    }


def _small_mlp(penalty: str) -> dict[str, Any]:
    return {"width": 20, "depth": 3 if penalty == "tied" else 2}  # ties need layers of one shape


def _of_task(row: dict[str, Any]) -> dict[str, Any]:
    """Return data for a task, of what the model takes."""
    kind = {"mlp": "features"}.get(row["model"], "images")
    kind = "tokens" if row["model"] in OF_TOKENS else kind
    return {"_target_": "mylab.data.of_kind", "task": row["task"], "kind": kind}


def checked(values: dict[str, Any]) -> RunConfig:
    """Return the config where everything fits, as a sweep checks it before it starts."""
    config = run_config(values)
    there = data_sets.describe(config.data)
    architectures.check(config.model, architectures.Shape(there.inputs, there.vocabulary))
    architectures.frozen_layers(config.model, config.trainer.frozen)
    check_augment(config.augment, there.inputs, of_tokens=there.vocabulary > 0)
    check_task(config, "a row")
    return config


def is_refused(named: dict[str, Any]) -> bool:
    """Tell whether the options named do not go together, whatever the others are."""
    if named.get("ensemble") == "mc_dropout":
        named = {"dropout": "inverted"} | named  # it means nothing without
    if named.get("model") in ("lenet", "fitnet1"):
        named = {"data": "gray"} | named  # too deep for 8 x 8 images
    if named.get("task") == "next_token":
        named = {"model": "transformer"} | named  # no other goes with it
    if named.get("model") in OF_TOKENS:
        named = {"task": "classification"} | named
    try:
        checked(settings(NEUTRAL | named))
    except ConfigError:
        return True
    return False


def pairs_of(row: dict[str, Any]) -> set[frozenset[tuple[str, Any]]]:
    """Return the pairs of options that meet in a row."""
    return {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}


def all_pairs(factors: dict[str, list[Any]] = FACTORS) -> list[dict[str, Any]]:
    """Return every pair of options of two factors."""
    return [
        {first: a, second: b}
        for first, second in itertools.combinations(factors, 2)
        for a, b in itertools.product(factors[first], factors[second])
    ]


def covering_array(factors: dict[str, list[Any]] = FACTORS) -> list[dict[str, Any]]:
    """Return few rows in which every pair meets that can: greedy, each row from a pair left."""
    rows: list[dict[str, Any]] = []
    left = {frozenset(pair.items()): pair for pair in all_pairs(factors) if not is_refused(pair)}
    while left:
        row = dict(next(iter(left.values())))
        for factor, options in factors.items():
            if factor in row:
                continue
            gains = {
                option: sum(pair in left for pair in pairs_of({**row, factor: option}))
                for option in options
                if not is_refused({**row, factor: option})
            }
            row[factor] = max(gains, key=lambda option: gains[option])
        rows.append({factor: row[factor] for factor in factors})
        for pair in pairs_of(row):
            left.pop(pair, None)
    return rows
