"""Designs against brute force, and study files that declare them."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.commands.command_line import plan_studies, sort_words
from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.errors import ConfigError
from ablate.study.designs import combinations
from ablate.study.file import FactorFile
from ablate.study.plan import Plan
from ablate.study.reader import read_study
from ablate.study.sampling import draw
from ablate.study.schema import ABSENT, Factor, Level, Metric, Part, Study

GROUPS = read_groups([package_conf()])
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def factors(sizes: list[int]) -> list[Factor]:
    return [
        Factor(
            name=f"f{i}",
            label=f"f{i}",
            levels=tuple(Level(name=f"{i}.{j}", overrides={"seed": j}) for j in range(size)),
        )
        for i, size in enumerate(sizes)
    ]


def study(own: list[Factor], **fields: object) -> Study:
    return Study(
        name="s", question="?", baseline={}, factors=tuple(own), replicates=2, report=(),
        metric=Metric(name="test/accuracy", better="higher"), **fields,
    )  # fmt: skip


def names(of: Study) -> list[tuple[str, ...]]:
    (part,) = of.all_parts
    return [
        tuple(level.name for level in levels.values()) for levels in combinations(of, part, 1000)
    ]


def everything(own: list[Factor]) -> list[tuple[str, ...]]:
    return list(itertools.product(*([level.name for level in f.levels] for f in own)))


@given(sizes=SIZES)
def test_a_grid_is_the_product(sizes: list[int]) -> None:
    own = factors(sizes)
    assert names(study(own)) == everything(own)


@given(sizes=SIZES)
def test_one_at_a_time_is_every_cell_that_differs_from_the_first_in_at_most_one_factor(
    sizes: list[int],
) -> None:
    own = factors(sizes)
    first = tuple(f.levels[0].name for f in own)
    wanted = [c for c in everything(own) if sum(a != b for a, b in zip(c, first, strict=True)) <= 1]
    found = names(study(own, design="one_at_a_time"))
    assert sorted(found) == sorted(wanted)
    assert found[0] == first
    assert len(found) == 1 + sum(size - 1 for size in sizes)


@given(size=st.integers(1, 5), count=st.integers(1, 4))
def test_zip_takes_the_levels_side_by_side(size: int, count: int) -> None:
    own = factors([size] * count)
    wanted = [tuple(f"{i}.{j}" for i in range(count)) for j in range(size)]
    assert names(study(own, design="zip")) == wanted


def test_zip_refuses_factors_of_different_length() -> None:
    with pytest.raises(ConfigError, match="f0 has 2, f1 has 3"):
        names(study(factors([2, 3]), design="zip"))


@settings(max_examples=50)
@given(sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3), data=st.data())
def test_exclude_leaves_out_what_a_rule_speaks_of(sizes: list[int], data: st.DataObject) -> None:
    own = factors(sizes)
    rules = data.draw(
        st.lists(
            st.dictionaries(
                st.sampled_from([f.name for f in own]), st.just(None), min_size=1, max_size=2
            ),
            max_size=2,
        )
    )
    exclude = tuple(
        {
            name: tuple(data.draw(st.sets(st.sampled_from(
                [level.name for level in own[int(name[1:])].levels]), min_size=1)))
            for name in rule
        }
        for rule in rules
    )  # fmt: skip
    wanted = [
        cell
        for cell in everything(own)
        if not any(all(cell[int(n[1:])] in ls for n, ls in rule.items()) for rule in exclude)
    ]
    if wanted:
        assert names(study(own, exclude=exclude)) == wanted
    else:
        with pytest.raises(ConfigError, match="exclude leaves no cell"):
            names(study(own, exclude=exclude))


@given(sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3))
def test_a_conditional_factor_is_there_once_where_it_does_not_exist(sizes: list[int]) -> None:
    *rest, last = factors(sizes)
    there = rest[0].levels[0].name
    absent = Level(name=ABSENT, overrides={})
    last = last.model_copy(update={"when": {"f0": (there,)}, "levels": (*last.levels, absent)})
    found = names(study([*rest, last]))
    wanted = [
        (*cell, level.name)
        for cell in everything(rest)
        for level in (last.levels[:-1] if cell[0] == there else [absent])
    ]
    assert found == wanted


@settings(max_examples=60)
@given(
    cells=st.integers(1, 40), more=st.integers(1, 20), seed=st.integers(0, 5),
    low=st.floats(0.001, 1), ratio=st.floats(1.5, 1000),
)  # fmt: skip
def test_draws_lie_between_their_bounds_and_another_cell_moves_none(
    cells: int, more: int, seed: int, low: float, ratio: float
) -> None:
    for kind in ("uniform", "loguniform"):
        spec = {"distribution": kind, "low": low, "high": low * ratio}
        few, many = (draw("a", FactorFile(**spec), n, seed, "here") for n in (cells, cells + more))
        assert many[:cells] == few
        # Rounded to six digits, which may carry a value over a bound.
        assert all(low * (1 - 1e-5) <= value <= low * ratio * (1 + 1e-5) for value in many)
    whole = draw("a", FactorFile(distribution="int", low=2, high=4), cells, seed, "here")
    assert set(whole) <= {2, 3, 4}
    assert draw("b", FactorFile(**spec), cells, seed, "here") != few or cells == 0


def test_draws_have_their_distribution() -> None:
    """Kolmogorov-Smirnov distance of 4,000 draws: beyond 1.95 / sqrt(n) one time in a thousand."""
    grid = (np.arange(4000) + 1) / 4000
    even = np.sort(draw("x", FactorFile(distribution="uniform", low=2, high=6), 4000, 0, ""))
    spec = {"distribution": "loguniform", "low": 0.01, "high": 100}
    logs = np.sort(np.log10(draw("x", FactorFile(**spec), 4000, 0, "")))
    limit = 1.95 / math.sqrt(4000)
    assert np.abs((even - 2) / 4 - grid).max() < limit
    assert np.abs((logs + 2) / 4 - grid).max() < limit
    dice = np.bincount(draw("x", FactorFile(distribution="int", low=1, high=6), 4000, 0, ""))[1:]
    assert len(dice) == 6
    # Binomial sd 24; five of them.
    assert np.abs(dice - 4000 / 6).max() < 120


BASE = {
    "question": "What does it do?",
    "baseline": {"model.width": 16, "optimizer": "momentum"},
    "replicates": 2,
    "report": [],
}


def plan(content: dict, *words: str) -> Plan:
    Path("mine.yaml").write_text(yaml.safe_dump({**BASE, **content}, sort_keys=False))
    return plan_studies(sort_words(["study=mine.yaml", *words]))[0].plan


def cells(compiled: Plan) -> list[str]:
    return [cell.name for cell in compiled.cells]


RECIPE = {
    "momentum": {"optimizer": "momentum", "optimizer.momentum": 0.8},
    "width": {"model.width": 32},
    "adam": {"optimizer": "adam"},
}


def test_a_ladder_adds_one_component_after_the_other() -> None:
    compiled = plan({"design": {"kind": "ladder", "first": "bare"}, "components": RECIPE})
    assert cells(compiled) == [
        "component=bare", "component=+ momentum", "component=+ width", "component=+ adam",
    ]  # fmt: skip
    configs = [cell.config for cell in compiled.cells]
    assert [config.model.width for config in configs] == [16, 16, 32, 32]
    assert [config.optimizer.name for config in configs] == ["momentum"] * 3 + ["adam"]
    assert configs[1].optimizer.momentum == 0.8


def test_leave_one_out_is_the_full_system_less_one_component_each() -> None:
    components = {"momentum": {"optimizer.momentum": 0}, "width": {"model.width": 8}}
    compiled = plan({"design": "leave_one_out", "components": components})
    assert cells(compiled) == [
        "component=full", "component=without momentum", "component=without width",
    ]  # fmt: skip
    assert [cell.config.model.width for cell in compiled.cells] == [16, 16, 8]
    with pytest.raises(ConfigError, match="are the same run"):
        plan({"design": "leave_one_out", "components": {"nothing": {"model.width": 16}}})


def test_parts_share_the_cells_that_are_the_same() -> None:
    ladder = {
        "name": "ladder", "design": "ladder", "baseline": {"model.width": 4, "init": "xavier"},
        "components": {"init": {"init": "he"}, "width": {"model.width": 16}},
    }  # fmt: skip
    loo = {
        "name": "less one", "design": "leave_one_out",
        "components": {"width": {"model.width": 4}, "init": {"init": "xavier"}},
    }  # fmt: skip
    compiled = plan({"parts": [ladder, loo]})
    levels = [dict(cell.levels) for cell in compiled.cells]
    assert levels == [
        {"ladder": "baseline"},
        {"ladder": "+ init", "less one": "without width"},
        {"ladder": "+ width", "less one": "full"},
        {"less one": "without init"},
    ]


def test_one_at_a_time_starts_from_the_baseline() -> None:
    good = {"model.width": [16, 32], "optimizer.lr": [0.02, 0.1]}
    assert len(plan({"design": "one_at_a_time", "factors": good}).cells) == 3
    bad = {**good, "model.width": [32, 16]}
    with pytest.raises(ConfigError, match="the first levels .* change it"):
        plan({"design": "one_at_a_time", "factors": bad})


def test_a_factor_of_some_levels_only() -> None:
    own = {
        "optimizer": {"levels": ["sgd", "adam"]},
        "beta2": {"key": "optimizer.beta2", "levels": [0.9, 0.99], "when": {"optimizer": "adam"}},
    }
    compiled = plan({"factors": own})
    assert cells(compiled) == [
        "optimizer=sgd", "optimizer=adam · beta2=0.9", "optimizer=adam · beta2=0.99",
    ]  # fmt: skip
    assert compiled.cells[0].levels == {"optimizer": "sgd", "beta2": ABSENT}
    assert compiled.cells[0].slug.startswith("optimizer=sgd-")


def test_a_random_design_is_the_same_every_time_and_grows_at_its_end() -> None:
    own = {
        "lr": {"key": "optimizer.lr", "distribution": "loguniform", "low": 0.001, "high": 1},
        "width": {"key": "model.width", "distribution": "int", "low": 8, "high": 64},
        "init": ["he", "xavier"],
    }
    few = plan({"design": {"kind": "random", "cells": 5}, "factors": own})
    more = plan({"design": {"kind": "random", "cells": 8}, "factors": own})
    assert [cell.key for cell in more.cells[:5]] == [cell.key for cell in few.cells]
    assert len(more.cells) == 8
    other = plan({"design": {"kind": "random", "cells": 5, "seed": 1}, "factors": own})
    assert {cell.key for cell in other.cells}.isdisjoint(cell.key for cell in few.cells)
    assert few.study.factor("lr").axis == "log"


def test_what_was_read_is_what_the_lock_file_gives_back() -> None:
    own = {"lr": {"key": "optimizer.lr", "distribution": "uniform", "low": 0.1, "high": 1}}
    compiled = plan({"design": {"kind": "random", "cells": 3}, "factors": own})
    assert Study.model_validate(compiled.study.as_declared()) == compiled.study
    ladder = plan({"parts": [{"name": "a", "design": "ladder", "components": RECIPE}]}).study
    assert Study.model_validate(ladder.as_declared()) == ladder
    assert [part.name for part in ladder.all_parts] == ["a"]
    plain = plan({"factors": {"model.width": [8, 16]}}).study
    assert not {"parts", "exclude"} & set(plain.as_declared())
    assert plain.all_parts == (Part(factors=("model.width",)),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"design": "random", "factors": {"init": ["he"]}}, "'design.cells' is missing"),
        ({"design": {"kind": "grid", "cells": 3}, "factors": {"init": ["he"]}}, "unknown key 'design.cells'; design 'grid' has no keys"),
        ({"design": "ladder"}, "components is missing or empty"),
        ({"design": "ladder", "components": RECIPE, "factors": {}}, "has components, not factors"),
        ({"components": RECIPE}, "design grid has factors, not components"),
        ({"design": "leave_one_out", "components": {"x": {"model.deph": 3}}},
         "component 'x': unknown key 'model.deph'"),
        ({"factors": {"init": ["he", "lecun"]}, "exclude": [{"init": "xavier"}]},
         "init has no level 'xavier'; it has he or lecun"),
        ({"factors": {"init": ["he"]}, "exclude": [{"optimizer": "sgd"}]}, "'optimizer' is no factor"),
        ({"factors": {"init": ["he"]}, "exclude": [{}]}, "would leave out everything"),
        ({"factors": {"a": {"key": "init.scale", "levels": [1], "when": {"b": "x"}}}},
         "'b' is no factor before this one"),
        ({"parts": [{"design": "grid", "factors": {"init": ["he"]}}]}, "'parts.0.name' is missing"),
        ({"parts": [{"name": "a", "desing": "grid"}]}, "unknown key 'parts.0.desing'"),
        ({"parts": [{"name": n, "factors": {"init": ["he"]}} for n in "ab"]}, "factor 'init' is in two parts"),
        ({"parts": []}, "parts=[] is not allowed: it must be a list of at least 1"),
        ({"parts": [{"name": "a", "factors": {"init": ["he"]}}], "factors": {"init": ["he"]}},
         "factors stands beside parts"),
        ({"factors": {"init": ["he"]}, "report": [{"table": {"part": "a"}}]}, "it has no parts"),
        ({"factors": {"init": ["he"]}, "report": {"table": {}}}, "it must be a list"),
        ({"design": {"kind": "random", "cells": 3}, "factors": {"optimizer.lr":
         {"distribution": "loguniform", "low": 0, "high": 1}}}, "they must be 0 < low < high"),
        ({"design": {"kind": "random", "cells": 3}, "factors": {"optimizer.lr":
         {"distribution": "normal", "low": 0, "high": 1}}}, "distribution='normal' is not allowed: it must be uniform"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_slips(tmp_path: Path, content: dict, sentence: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**BASE, **content}))
    with pytest.raises(ConfigError) as caught:
        read_study(path, GROUPS)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("study file mine.yaml")
