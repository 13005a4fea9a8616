"""From a study and a command line to cells."""

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.commands.command_line import plan_studies, sort_words, starts
from ablate.config.compose import package_conf
from ablate.config.key import canonical
from ablate.config.validate import run_config
from ablate.errors import ConfigError
from ablate.study.designs import combinations
from ablate.study.lockfile import lock_study, read_lock
from ablate.study.plan import Plan, tuned_config
from ablate.study.reader import study_files
from ablate.study.request import Size
from ablate.study.schema import Factor, Level, Metric, Study


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan(*words: str, size: Size = "") -> Plan:
    (start,) = plan_studies(sort_words(words), size)
    return start.plan


def write_study(**changes: object) -> str:
    content = {
        "question": "Does it matter?",
        "baseline": {"data": "digits", "optimizer": "momentum", "optimizer.momentum": 0.5},
        "factors": {"init.scale": [0.5, 1]},
        "replicates": 2,
        "report": [],
        **changes,
    }
    Path("mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return "study=mine.yaml"


@pytest.mark.parametrize("size", ["", "quick", "full"], ids=["default", "quick", "full"])
@pytest.mark.parametrize("name", study_files((package_conf(),)))
def test_every_study_that_ships_compiles(name: str, size: Size) -> None:
    if size == "full" and not plan(f"study={name}").study.full:
        pytest.skip("it has one size")
    compiled = plan(f"study={name}", size=size)
    parts = compiled.study.all_parts
    sizes = [
        math.prod(len(compiled.study.factor(n).levels) for n in part.factors) for part in parts
    ]
    whole = [size for size, part in zip(sizes, parts, strict=True) if not part.exclude]
    # Parts may share cells.
    assert max(whole, default=1) <= len(compiled.cells) <= sum(sizes)
    for factor in compiled.study.factors:
        shown = {cell.levels[factor.name] for cell in compiled.cells if factor.name in cell.levels}
        assert shown == {level.name for level in factor.levels}
    assert len({cell.slug for cell in compiled.cells}) == len(compiled.cells)
    assert not compiled.notes
    if size == "quick":
        assert compiled.study.name == f"{name}-quick"
        # What every clone has: nothing to download.
        data = {cell.config.data.name for cell in compiled.cells}
        assert data <= {
            "digits", "digits_pairs", "synthetic", "friedman", "unequal_scales", "grammar",
        }  # fmt: skip
        assert compiled.study.replicates == min(2, plan(f"study={name}").study.replicates)


@settings(max_examples=50)
@given(st.lists(st.integers(1, 4), min_size=0, max_size=4))
def test_a_grid_is_every_combination_once(sizes: list[int]) -> None:
    factors = [
        Factor(
            name=f"f{i}", label="", levels=tuple(Level(name=str(j), overrides={}) for j in range(n))
        )
        for i, n in enumerate(sizes)
    ]
    study = Study(
        name="s",
        question="?",
        baseline={},
        factors=tuple(factors),
        replicates=1,
        report=(),
        metric=Metric(name="test/loss", better="lower"),
    )
    (part,) = study.all_parts
    found = combinations(study, part, 1000)
    cells = [tuple(level.name for level in levels.values()) for levels in found]
    assert len(cells) == len(set(cells)) == math.prod(sizes)


def test_the_command_line_wins_over_the_baseline_and_the_level_over_both() -> None:
    word = write_study(factors={"rate": {"levels": {"a": {"optimizer.lr": 7}, "b": {}}}})
    compiled = plan(word, "optimizer.lr=0.5", "trainer.epochs=1")
    assert [cell.config.optimizer.lr for cell in compiled.cells] == [7, 0.5]
    assert {cell.config.trainer.epochs for cell in compiled.cells} == {1}


def test_an_override_names_the_study_so_that_nothing_mixes() -> None:
    word = write_study()
    assert plan(word).study.name == "mine"
    assert plan(word, "data=mnist", "model.depth=3").study.name == "mine-mnist-depth3"
    assert plan(word, "data=mnist", "study.name=other").study.name == "other"
    assert plan(word, "seed=3").study.name == "mine-seed3"
    # What changes no number changes no name.
    same = plan(word, "launch.workers=1", "trainer.device=cpu", "replicates=5", "data=digits")
    assert same.study.name == "mine"
    assert same.study.replicates == 5


LEVELS = "{{a: {{data: mnist, model.width: 5}}, b: {{data: cifar10, model.width: {}}}}}"


def test_a_quick_look_keeps_the_data_that_is_the_question_and_no_other(tmp_path: Path) -> None:
    for levels, data, width in (
        ("[mnist, fashion_mnist]", {"mnist", "fashion_mnist"}, None),
        (LEVELS.format(6), {"digits"}, {5, 6}),
        (LEVELS.format(5), {"mnist", "cifar10"}, {5}),
    ):
        factor = f"key: data, levels: {levels}" if width is None else f"levels: {levels}"
        (tmp_path / "mine.yaml").write_text(
            "question: Which?\nbaseline: {model: mlp}\nreplicates: 2\nreport: [table]\n"
            f"factors: {{where: {{{factor}}}}}\n"
        )
        cells = plan(f"study={tmp_path / 'mine.yaml'}", size="quick").cells
        assert {cell.config.data.name for cell in cells} == data
        assert width is None or {cell.config.model.width for cell in cells} == width


def test_the_name_of_a_quick_version_ends_in_quick_so_that_git_ignores_its_report() -> None:
    word = write_study()
    named = {
        "mine-quick": [],
        "mine-depth5-quick": ["model.depth=5"],
        "other-quick": ["study.name=other"],
    }
    for name, words in named.items():
        study = plan(word, *words, size="quick").study
        assert (study.name, study.is_quick) == (name, True)
    assert not plan(word, "study.name=my-quick").study.is_quick
    ignored = (Path(__file__).resolve().parents[2] / ".gitignore").read_text().splitlines()
    assert "/reports/*-quick/" in ignored


def test_a_comma_list_replaces_levels_or_adds_a_factor() -> None:
    word = write_study()
    replaced = plan(word, "init.scale=1,2,4")
    assert [cell.levels["init.scale"] for cell in replaced.cells] == ["1", "2", "4"]
    added = plan(word, "init=he,xavier")
    assert len(added.cells) == 4
    assert added.cells[0].levels == {"init.scale": "0.5", "init": "he"}


def test_a_replaced_level_keeps_its_cell() -> None:
    word = write_study()
    before = {cell.levels["init.scale"]: cell.key for cell in plan(word).cells}
    after = {cell.levels["init.scale"]: cell.key for cell in plan(word, "init.scale=1,2").cells}
    assert before["1"] == after["1"]


def test_another_option_forgets_what_it_does_not_have() -> None:
    compiled = plan(write_study(), "optimizer=adam")
    assert compiled.cells[0].config.optimizer.name == "adam"


def test_a_tuned_key_leaves_the_cells_key_alone() -> None:
    word = write_study(tune={"optimizer.lr": [0.1, 1]})
    compiled = plan(word)
    assert compiled.tuning_runs == 2 * 2 * compiled.study.replicates  # nested: few replicates
    config = tuned_config(compiled.cells[0].config, "optimizer.lr", 1.0)
    assert config.optimizer.lr == 1.0
    other = plan(
        write_study(
            tune={"optimizer.lr": [0.1, 1]},
            baseline={
                "data": "digits",
                "optimizer": "momentum",
                "optimizer.momentum": 0.5,
                "optimizer.lr": 3,
            },
        )
    )
    assert other.cells[0].key == compiled.cells[0].key


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["init.scale=3"], "the study varies init.scale as factor 'init.scale'"),
        (["init.scael=3"], "Did you mean 'scale'?"),
        (["init=hee"], "Did you mean 'he'?"),
        (["init=he,hee"], "there is no init 'hee'"),
        (["model.dropout=1.5"], "model.dropout=1.5 is not allowed: it must be less than 1"),
        (["optimizer.lr=-1"], "optimizer.lr=-1 is not allowed: it must be greater than 0"),
        (["replicates=0"], "replicates=0 is not allowed: it must be at least 1"),
        (["launch.workers=0"], "launch.workers=0 is not allowed: it must be at least 1"),
        (["launch.workers=1,2"], "launch.workers takes one value"),
        (["model.channels=[1]"], "model 'mlp' has no 'channels'"),
        (["init.scale=1,1.0"], "level '1' is given twice"),
        (["study.name=a/b"], "study.name=a/b is not allowed"),
    ],
    ids=str,
)
def test_slips(words: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(write_study(), *words)
    assert sentence in str(caught.value)


def test_a_level_of_the_wrong_type() -> None:
    with pytest.raises(ConfigError, match="init.scale='big' is not allowed: it must be a number"):
        plan(write_study(factors={"init.scale": [1, "big"]}))


def test_a_level_that_changes_nothing() -> None:
    with pytest.raises(ConfigError, match="a=x and a=y are the same run"):
        plan(write_study(factors={"a": {"levels": {"x": {}, "y": {"optimizer.momentum": 0.5}}}}))


@pytest.mark.parametrize("item", ["activation_distribution", "learning_curves"])
def test_runs_have_histograms_where_the_report_shows_some(item: str) -> None:
    write_study(report=[item])
    shows = item == "activation_distribution"
    assert {cell.config.probe.histograms for cell in plan("study=mine.yaml").cells} == {shows}


@pytest.mark.parametrize(
    ("item", "recorded"),
    [
        ("weight_distribution", {"weights"}),
        ("input_pixels", {"weights"}),
        ({"stopping_points": {"error": True}}, {"train_accuracy"}),
        ("stopping_points", set()),
    ],
)
def test_runs_record_what_the_report_shows_and_else_leave_no_trace(
    item: Any, recorded: set[str]
) -> None:
    write_study(report=[item])
    for cell in plan("study=mine.yaml").cells:
        assert canonical(cell.config).get("probe", {}) == dict.fromkeys(recorded, True)


def test_a_single_cell_and_an_adhoc_multirun() -> None:
    def started(*words: str, multirun: bool = False) -> Plan:
        asked = {"command": "run", "words": words, "cfg": None, "size": ""}
        (start,) = starts(Namespace(**asked, multirun=multirun))
        return start.plan

    single = started("model.depth=3", "replicates=2")
    assert (single.study.name, len(single.cells), single.runs) == ("run", 1, 2)
    several = started("model.depth=3,4", "init=he,xavier", multirun=True)
    assert (several.study.name, len(several.cells)) == ("adhoc", 4)
    with pytest.raises(ConfigError, match=r"unknown key 'model.dept'"):
        started("model.dept=3")


def test_the_lock_file_is_only_appended_to(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"
    first = plan(write_study())
    lock_study(folder, first)
    before = (folder / "study.lock.yaml").read_text()
    lock_study(folder, first)
    assert (folder / "study.lock.yaml").read_text() == before
    second = plan(write_study(), "replicates=3")
    lock_study(folder, second)
    assert (folder / "study.lock.yaml").read_text().startswith(before)
    locked = read_lock(folder)
    assert locked is not None
    assert locked.study == second.study
    assert [cell.key for cell in locked.cells] == [cell.key for cell in second.cells]


def test_a_damaged_lock_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "study.lock.yaml").write_text("- study: 3\n")
    with pytest.raises(ConfigError, match="study.lock.yaml is damaged"):
        read_lock(tmp_path)


def test_runtime_keys_stay_out_of_the_config() -> None:
    compiled = plan(write_study(), "launch.workers=1")
    assert run_config(compiled.cells[0].config.model_dump()) == compiled.cells[0].config


@pytest.mark.parametrize(
    ("metric", "combine", "allowed"),
    [
        ("test/nll", "average", True),
        ("test/accuracy", "vote", True),
        ("test/nll", "vote", False),
        ("validation/accuracy", "average", False),
    ],
)
def test_an_ensemble_has_metrics_on_the_test_set(metric: str, combine: str, allowed: bool) -> None:
    baseline = {"ensemble": "seeds", "ensemble.combine": combine}
    write_study(baseline=baseline, metric=metric)
    if allowed:
        assert len(plan("study=mine.yaml").cells) == 2
    else:
        with pytest.raises(ConfigError, match=f"metric {metric} is not measured for an ensemble"):
            plan("study=mine.yaml")


def test_a_study_remembers_what_was_asked_of_it() -> None:
    write_study()
    plain = plan("study=mine.yaml", "launch.workers=1", "trainer.stack=off").study
    assert plain.command == "ablate sweep study=mine.yaml"
    assert "command" not in plan("study=quickstart").study.as_declared()
    asked = plan("study=mine.yaml", "data=mnist", "model.channels=[4,8]", "model=cnn").study
    words = "data=mnist 'model.channels=[4,8]' model=cnn"
    assert asked.command == f"ablate sweep study=mine.yaml {words}"
    assert asked.baseline["data"] == "mnist"
    assert asked.as_declared()["command"] == asked.command


@pytest.mark.parametrize(
    ("words", "size"),
    [
        # The fifth factor would make 24 million mappings, which takes minutes.
        ((*(f"{key}=range(1,31)" for key in ("seed", "model.width", "trainer.batch_size", "data.train_size", "trainer.eval_every")),), "48600000 cells × 2 replicates are 97200000 runs"),
        (("replicates=1000000",), "2 cells × 1000000 replicates are 2000000 runs"),
        (("ensemble=seeds", "ensemble.size=10000", "replicates=3"), "1 cell × 3 replicates × 10000 members are 30000"),
    ],
)  # fmt: skip
def test_what_can_never_be_trained_is_counted_before_it_is_made(
    words: tuple[str, ...], size: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(write_study(), *words)
    assert size in str(caught.value)
    assert "at most 20000 are allowed; where so many are meant, say launch.most_runs=" in str(
        caught.value
    )


def test_more_runs_are_allowed_where_they_are_asked_for() -> None:
    asked = plan(write_study(), "replicates=20000", "launch.most_runs=40000")
    assert asked.runs == 40000


def test_tuning_counts_among_the_runs() -> None:
    tune = {"optimizer.lr": [0.1, 0.2], "with": {"replicates": 9000}}
    with pytest.raises(ConfigError, match=r"2 replicates \+ 36000 tuning runs are 36004 runs"):
        plan(write_study(tune=tune))


@pytest.mark.parametrize(
    "stem", ["..", ".", ".hidden", "-x", "run", "adhoc", "Run", "a b", "x" * 101]
)
def test_the_name_of_a_file_is_a_study_name_or_refused(stem: str) -> None:
    write_study()
    Path("mine.yaml").rename(f"{stem}.yaml")
    with pytest.raises(ConfigError, match=r"^study '.*', the name of its file, is not allowed"):
        plan(f"study={stem}.yaml")
    assert plan(f"study={stem}.yaml", "study.name=mine").study.name == "mine"


def test_a_long_list_of_values_gives_a_name_that_a_folder_can_have() -> None:
    one, other = (
        plan(write_study(), f"seed={','.join(map(str, range(n)))}").study.name for n in (100, 101)
    )
    assert one != other
    assert max(len(one), len(other)) <= 100


def test_values_that_a_folder_cannot_spell_give_names_of_their_own() -> None:
    names = {
        plan(write_study(), f"trainer={{command: {text}}}").study.name
        for text in ("'a/b'", "'a:b'")
    }
    assert len(names) == 2


def test_levels_of_the_command_line_differ_in_name() -> None:
    found = plan(write_study(), "init.scale=0.1,0.10000001")
    assert [cell.name for cell in found.cells] == ["init.scale=0.1", "init.scale=0.10000001"]
    with pytest.raises(ConfigError, match=r"init.scale: level '1' is given twice"):
        plan(write_study(), "init.scale=1,1.0")
