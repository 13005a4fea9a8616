"""Claims on disk, and claims held against the cells before training."""

from pathlib import Path

import pytest
import yaml

from ablate.commands.command_line import plan_studies, sort_words
from ablate.commands.plan import lines, planned
from ablate.errors import ConfigError
from ablate.study.claims import Effect, Interaction, Noise, Order, Rate, Spread
from ablate.study.schema import Study

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("reports/*/study.lock.yaml"))
PAIR = {"norm": ["with", "without"]}
STUDY = {
    "question": "Does it?",
    "baseline": {"data": "digits", "model": "mlp", "model.depth": 3, "init": "he",
                 "optimizer": "sgd", "trainer.epochs": 2},
    "factors": {
        "norm": {"levels": {"with": {"model.norm": "batch"}, "without": {"model.norm": "none"}}},
        "scale": {"key": "init.scale", "levels": [1, 10]},
    },
    "replicates": 6,
    "report": [],
}  # fmt: skip


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_what_is_declared_on_disk_is_read_and_written_as_it_was(path: Path) -> None:
    for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        study, declared = entry["study"], Study.model_validate(entry["study"]).as_declared()
        for item in study["report"]:
            item["options"].pop("cost", None)  # said by version 0.1, and read by nothing
        before, after = (
            yaml.dump(one, Dumper=yaml.CSafeDumper, allow_unicode=True) for one in (study, declared)
        )
        assert after == before


def test_a_claim_knows_the_factors_it_speaks_of() -> None:
    pair = {"name": "a", "text": "a", "expect": "less", "compare": ("norm", "x", "y")}
    at = {"init": ("he",)}
    assert Effect(**pair, at=at).factors == {"norm", "init"}
    assert Spread(**pair, spread_over="scale").factors == {"norm", "scale"}
    assert Noise(**pair, spread_over="replicates").factors == {"norm"}
    assert Interaction(**pair, interaction=("act", "1", "2")).factors == {"norm", "act"}
    assert Rate(name="a", text="a", expect="converges", rate=0.5, at=at).factors == {"init"}
    order = Order(name="a", text="a", expect="monotone", direction="up", over="scale")
    assert (order.factors, order.varied) == ({"scale"}, {"scale"})


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def planned_with(claim: dict, *words: str, size: str = "", **changes):
        content = {**STUDY, **changes, "claims": {"mine": {"text": "a", **claim}}}
        Path("mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        (found,) = plan_studies(sort_words(["study=mine.yaml", *words]), size)
        return found

    return planned_with


ABOUT = {"expect": "less", "compare": PAIR}
THEORY = {"expect": {"follows": "he_relu", "within": "25 %"},
          "metric": "probe(activation/std, layer=2, step=0)"}  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "changes", "sentence"),
    [
        ({**ABOUT, "metric": "test/acuracy"}, {}, "no run reports it; allowed are gap/accuracy"),
        ({**ABOUT, "metric": "test/acuracy"}, {}, "Did you mean 'test/accuracy'"),
        ({**ABOUT, "metric": "stopping/step"}, {}, "no run reports it"),
        ({**ABOUT, "metric": "steps_to(validation/acuracy, 95)"}, {}, "no curve is called 'validation/acuracy'"),
        ({**ABOUT, "metric": "probe(activation/std, layer=4)"}, {}, "there is no layer 4; the network has 3"),
        ({**ABOUT, "metric": "probe(activation/std, layer=last/4)"}, {}, "there is no layer 4; the network has 3"),
        ({**ABOUT, "metric": "probe(activation/std, layer=3, step=3)"}, {}, "step 3 is not probed (probe.steps=ends); allowed are 0 or"),
        ({**ABOUT, "metric": "probe(activation/std, layer=3)"}, {"probe.steps": "off"}, "probe.steps=off"),
        ({**ABOUT, "metric": "steps_to(validation/accuracy, 95)"}, {"trainer.epochs": 0}, "trainer.epochs=0"),
        ({**ABOUT, "metric": "probe(activation/std, layer=1)"}, {"trainer": {"command": "true"}, "trainer.epochs": 2}, "a training command of your own is not probed"),
        (THEORY, {}, "he_relu says nothing of cells"),
    ],
)  # fmt: skip
def test_what_no_run_could_answer_is_refused_before_training(start, claim, changes, sentence):
    baseline = {**STUDY["baseline"], **changes}
    with pytest.raises(ConfigError) as caught:
        start(claim, baseline=baseline)
    assert str(caught.value).startswith("study mine: claim 'mine': ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ({**ABOUT, "at": {"scale": 10}}, "no cell has scale=10, norm=without"),
        ({**ABOUT, "interaction": ["norm", "scale"]}, "no cell has norm=without, scale=10"),
        ({"expect": {"monotone": "up", "in": "scale"}, "at": {"norm": "without"}}, "scale has fewer than two levels there"),
        ({"expect": {"converges": "90 %"}, "at": {"scale": 10, "norm": "without"}}, "no cell has scale=10, norm=without"),
    ],
)  # fmt: skip
def test_a_claim_on_cells_that_are_left_out_is_refused(start, claim, sentence):
    with pytest.raises(ConfigError) as caught:
        start(claim, exclude=[{"scale": 10, "norm": "without"}])
    assert "there is nothing to judge" in str(caught.value)
    assert sentence in str(caught.value)


CLIPPED = {"key": "optimizer.clip_norm", "levels": [0.5, 0.9], "when": {"scale": 10}}


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ({"expect": "less", "compare": {"scale": [1, 10]}}, "the levels of scale that it compares are never"),
        ({**ABOUT, "interaction": ["norm", "scale"]}, "the levels of norm and scale that it compares are never"),
        ({"expect": {"monotone": "up", "in": "scale"}}, "clipped exists beside some of them alone"),
    ],
)  # fmt: skip
def test_levels_that_are_never_at_the_same_setting_are_not_compared(start, claim, sentence):
    """A factor that exists beside one of them alone leaves no pairs."""
    with pytest.raises(ConfigError, match="there is nothing to judge") as caught:
        start(claim, factors={**STUDY["factors"], "clipped": CLIPPED})
    assert sentence in str(caught.value)


def test_a_factor_that_exists_beside_both_or_is_not_compared_is_averaged_over(start):
    clipped = {**CLIPPED, "when": {"norm": "without"}}
    claim = {"expect": "less", "compare": {"scale": [1, 10]}}
    for one in (claim, {**claim, "at": {"norm": "without"}}):
        assert start(one, factors={**STUDY["factors"], "clipped": clipped}).plan.notes == ()


@pytest.mark.parametrize(
    "claim",
    [
        {**ABOUT, "metric": "probe(activation/std, layer=3, step=last)"},
        {**ABOUT, "metric": "probe(activation/std, layer=last, step=20)"},
        {**ABOUT, "metric": "weights/zero"},
        {**ABOUT, "metric": "steps_to(validation/loss, 0.5)"},
        {**THEORY, "at": {"norm": "without"}},
    ],
    ids=lambda claim: claim["metric"],
)
def test_what_runs_can_answer_is_planned(start, claim):
    assert start(claim).plan.notes == ()


def test_a_command_line_that_changes_the_cells_leaves_a_note(start):
    """Of `model.depth=2` the claim on layer 3 is not answered; the other runs are still wanted."""
    claim = {**ABOUT, "metric": "probe(activation/std, layer=3)"}
    found = start(claim, "model.depth=2")
    (note,) = found.plan.notes
    assert "there is no layer 3; the network has 2" in note
    assert any(note in line for line in lines(found, planned(found)))
    assert start(claim, "launch.workers=1").plan.notes == ()
    with pytest.raises(ConfigError, match="no layer 4"):
        start({**ABOUT, "metric": "probe(activation/std, layer=4)"}, "launch.workers=1")
