"""`ablate plan`: what is there, what is left, how long it takes and what it could tell."""

import json
from pathlib import Path

import pytest
from statsmodels.stats.power import TTestPower
from written import STUDY, change
from written import planned as start_of

from ablate.cli import main
from ablate.commands.command_line import plan_studies, sort_words
from ablate.commands.plan import lines, planned
from ablate.launch.missing import in_folders_there
from ablate.launch.pace import training_cost
from ablate.stats import detectable, equality_power, equality_within, replicates_for_rate


def test_a_plan_counts_what_is_there_and_how_long_the_rest_takes(
    root: Path, tmp_path: Path
) -> None:
    found = planned(start_of(tmp_path))
    assert (found.runs, found.done, found.to_train, found.seconds) == (4, 0, 4, None)
    assert not (tmp_path / "runs").exists()  # nothing is written
    found = planned(start_of(root))
    assert (found.done, found.stale, found.to_train) == (4, 0, 0)
    more = start_of(root, "[4, 8, 16]", "launch.workers=1")
    found = planned(more)
    assert (found.runs, found.done, found.to_train) == (6, 4, 2)
    # At twelve seconds a run of 4 or 8 units, and in proportion to the multiply-adds.
    four, eight, sixteen = (training_cost(cell.config) for cell in more.plan.cells)
    assert found.seconds == pytest.approx(2 * sixteen * 4 * 12 / (2 * (four + eight)))
    text = "\n".join(lines(more, found))
    assert "3 cells × 2 replicates = 6 runs" in text
    assert "width (model.width): 4, 8, 16" in text
    assert "verdicts are withheld" in text


def test_runs_of_another_config_are_stale(root: Path) -> None:
    found = planned(start_of(root, "[4, 8]", "data.separation=2.0"))
    assert (found.done, found.stale, found.to_train) == (0, 0, 4)  # other cells, other folders
    (folder,) = root.glob("runs/wide/width=4-*")
    change(folder / "0", key="0" * 64)
    found = planned(start_of(root))
    assert (found.done, found.stale, found.to_train) == (3, 1, 1)


def test_a_level_of_another_name_is_the_same_cell(root: Path) -> None:
    (root / "wide.yaml").write_text(STUDY.format(widths="{narrow: 4, large: 8}").replace(
        "[8, 4]", "[large, narrow]"
    ))  # fmt: skip
    words = [f"study={root / 'wide.yaml'}", f"paths.root={root}", "study.name=wide"]
    (start,) = plan_studies(sort_words(words))
    assert [cell.slug.partition("-")[0] for cell in start.plan.cells] == [
        "width=narrow", "width=large",
    ]  # fmt: skip
    found = planned(start)
    assert (found.done, found.to_train) == (4, 0)
    there = {path.name for path in (root / "runs" / "wide").iterdir() if path.is_dir()}
    assert {cell.slug for cell in in_folders_there(start.plan, root).cells} == there


@pytest.mark.parametrize(("n", "alpha"), [(6, 0.05), (10, 0.01)])
def test_what_pairs_reach_is_statsmodels_power(n: int, alpha: float) -> None:
    expected = TTestPower().solve_power(None, nobs=n, alpha=alpha, power=0.8)
    # statsmodels counts in the power of the wrong side, which is nothing here.
    assert detectable(n, alpha) == pytest.approx(expected, rel=1e-4)


def test_equality_within_is_what_has_the_power() -> None:
    for n, alpha in ((6, 0.05), (20, 0.01)):
        assert equality_power(equality_within(n, alpha), n, alpha) == pytest.approx(0.8, abs=1e-6)


def test_a_plan_says_what_rates_equality_and_lost_runs_take(tmp_path: Path) -> None:
    claims = """\
claims:
  same: {text: Same., compare: {width: [8, 4]}, expect: equal, margin: 1}
  trains: {text: Trains., at: {width: 4}, expect: {converges: 80 %}}
"""
    text = STUDY.format(widths="[4, 8]").replace("replicates: 2", "replicates: 10")
    before, _, rest = text.partition("claims:")
    path = tmp_path / "wide.yaml"
    path.write_text(before + claims + rest[rest.index("report:") :])
    (start,) = plan_studies(sort_words([f"study={path}", f"paths.root={tmp_path}"]))
    found = planned(start)
    assert found.rates == {"trains": replicates_for_rate(0.8, 0.025)}
    assert found.equality == (equality_within(10, 0.05), equality_within(10, 0.025))
    assert found.reach_with_losses is not None
    assert found.reach_with_losses < 0.8
    assert (found.looks, found.expected) == ((), {})
    text = "\n".join(lines(start, found))
    assert "trains: 10 replicates cannot show its rate; 20 that all do what is claimed can" in text
    assert "equal arms are shown equal within" in text
    assert "where 20 % of the runs are n/c" in text


def test_a_plan_for_programs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"study={root / 'wide.yaml'}", "study.name=wide"]
    assert main(["plan", *words, "--root", str(root), "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["study"], plan["done"], plan["to_train"]) == ("wide", 4, 0)
    assert main(["plan"]) == 2
    assert "ablate plan needs a study: ablate plan study=NAME." in capsys.readouterr().err


def test_a_full_form_is_timed_by_the_runs_of_the_study_without_it(root: Path) -> None:
    (root / "wide.yaml").write_text(
        STUDY.format(widths="[4, 8]") + "full: {trainer.epochs: 20, replicates: 6}\n"
    )
    words = [f"study={root / 'wide.yaml'}", f"paths.root={root}", "launch.workers=2"]
    (plain,), (full,) = (plan_studies(sort_words(words), size) for size in ("", "full"))
    assert plain.smaller is None
    found = planned(full)
    assert (found.done, found.to_train) == (0, 12)
    longer = 20 / plain.plan.cells[0].config.trainer.epochs
    # Twelve runs on two workers, each so many times as long as one that took twelve seconds.
    assert found.seconds == pytest.approx(12 * longer * 12 / 2)
