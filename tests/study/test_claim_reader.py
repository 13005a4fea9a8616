"""Claims as a study file gives them: read, or refused in one sentence."""

from pathlib import Path

import pytest
import yaml

from ablate.config.compose import package_conf
from ablate.config.groups import read_groups
from ablate.errors import ConfigError
from ablate.study.reader import read_study
from ablate.study.schema import Study

GROUPS = read_groups([package_conf()])
BASE = {
    "question": "Does it?",
    "baseline": {},
    "factors": {
        "norm": {"levels": {"with": {"model.norm": "batch"}, "without": {"model.norm": "none"}}},
        "scale": {"key": "init.scale", "levels": [0.1, 1, 10]},
    },
    "replicates": 6,
    "smallest_effect": 0.5,
    "report": [],
}
PAIR = {"norm": ["with", "without"]}


def read(tmp_path: Path, claims: dict) -> Study:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**BASE, "claims": claims}, sort_keys=False))
    return read_study(path, GROUPS)


def test_every_form_is_read_and_comes_back_from_a_lock_file(tmp_path: Path) -> None:
    study = read(tmp_path, {
        "effect": {"text": "a", "compare": PAIR, "at": {"scale": 1}, "expect": "greater", "margin": 1},
        "several": {"text": "b", "compare": PAIR, "at": {"scale": [0.1, 1]}, "expect": "equal"},
        "spread": {"text": "c", "of": "spread over scale", "compare": PAIR, "expect": "less"},
        "all": {"text": "d", "at": {"norm": "with"}, "expect": {"converges": "90 %"}},
        "none": {"text": "e", "at": {"norm": "without"}, "expect": {"diverges": 0.5}},
        "order": {"text": "f", "expect": {"monotone": "down", "in": "scale"}},
        "theory": {"text": "g", "expect": {"follows": "he_relu", "within": "25 %"},
                   "metric": "probe(activation/std, layer=2, step=0)"},
        "both": {"text": "h", "compare": PAIR, "interaction": ["norm", "scale"],
                 "at": {"scale": [0.1, 10]}, "expect": "less"},
    })  # fmt: skip
    by_name = {claim.name: claim for claim in study.claims}
    assert by_name["effect"].at == {"scale": ("1",)}
    assert by_name["several"].at == {"scale": ("0.1", "1")}
    assert by_name["spread"].spread_over == "scale"
    assert (by_name["all"].rate, by_name["none"].rate) == (0.9, 0.5)
    assert (by_name["order"].direction, by_name["order"].over) == ("down", "scale")
    assert by_name["theory"].within == 0.25
    assert by_name["both"].interaction == ("scale", "0.1", "10")
    assert Study.model_validate(study.as_declared()) == study


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        ({"expect": "greater", "compare": PAIR}, "'text' is missing"),
        ({"text": "a", "compare": PAIR}, "'expect' is missing"),
        ({"text": "a", "expect": "better", "compare": PAIR}, "expect is better; allowed are greater"),
        ({"text": "a", "expect": "greater"}, "needs compare"),
        ({"text": "a", "expect": {"converges": 0.9}, "compare": PAIR}, "compare has no place in a claim on rate"),
        ({"text": "a", "expect": "less", "compare": {"nrom": ["with", "without"]}}, "Did you mean 'norm'"),
        ({"text": "a", "expect": "less", "compare": {"norm": ["with", "witout"]}}, "Did you mean 'without'"),
        ({"text": "a", "expect": "less", "compare": {"norm": ["with"]}}, "two different levels"),
        ({"text": "a", "expect": "less", "compare": PAIR, "at": {"scale": 2}}, "scale has no level '2'"),
        ({"text": "a", "expect": "less", "compare": PAIR, "at": {"norm": "with"}}, "which the claim varies"),
        ({"text": "a", "expect": "less", "compare": PAIR, "of": "range over scale"}, "write spread over"),
        ({"text": "a", "expect": "less", "compare": PAIR, "of": "spread over norm"}, "which compare fixes"),
        ({"text": "a", "expect": {"converges": 1.5}}, "expect: 1.5 is no share"),
        ({"text": "a", "expect": {"monotone": "up"}}, "monotone needs in: write {monotone: up, in: FACTOR}"),
        ({"text": "a", "expect": {"monotone": "sideways", "in": "scale"}}, "direction='sideways' is not allowed"),
        ({"text": "a", "expect": {"follows": "he_relu"}}, "follows needs within"),
        ({"text": "a", "expect": {"converges": 0.9, "in": "scale"}}, "converges has no 'in'"),
        ({"text": "a", "expect": "less", "compare": PAIR, "interaction": ["norm", "scale"]},
         "interaction needs two levels of scale"),
        ({"text": "a", "expect": "less", "compare": PAIR, "interaction": ["scale", "lr"]}, "must be two factors"),
        ({"text": "a", "expect": "less", "compare": PAIR, "margin": -1}, "margin=-1 is not allowed"),
        ({"text": "a", "expect": "less", "compare": PAIR, "metric": "steps_to(validation/accuracy)"},
         "metric steps_to(validation/accuracy): write steps_to(validation/accuracy, 95)"),
        ({"text": "a", "expect": "less", "compare": PAIR, "metric": "probe(activation/stdd, layer=2)"},
         "the probe has no 'stdd'"),
        ({"text": "a", "expect": {"monotone": "up", "in": "sacle"}}, "Did you mean 'scale'"),
        ({"text": "a", "expect": {"follows": "he_relu", "within": 0.25}}, "'metric' is missing"),
        ({"text": "a", "expect": {"follows": "he_relu", "within": 0.25}, "metric": "test/loss"},
         "metric test/loss is nothing that a theory follows"),
        ({"text": "a", "expect": {"follows": "xavier", "within": 0.25}, "metric": "probe(activation/std, layer=1)"},
         "follows='xavier' is not allowed: it must be signal, he_relu or equal_layers"),
        ({"text": "a", "expect": {"follows": "he_relu", "within": 0.25}, "metric": "probe(activation/std, layer=1/2)"},
         "layer=1/2, step=last) is nothing that a theory follows"),
        ({"text": "a", "expect": {"follows": "equal_layers", "within": 0.25}, "metric": "probe(activation/std, layer=1)"},
         "is no ratio of layers"),
        ({"text": "a", "expect": "less", "compare": PAIR, "of": "spread over scale", "margin": 1},
         "margin has no place in a claim on spread"),
        ({"text": "a", "expect": "less", "compare": PAIR, "of": "spread over scale",
          "interaction": ["norm", "scale"], "at": {"scale": [0.1, 1]}}, "of has no place in a claim on interaction"),
        ({"text": "a", "expcet": "less"}, "Did you mean 'expect'"),
    ],
    ids=lambda value: str(value)[-45:],
)  # fmt: skip
def test_slips(tmp_path: Path, claim: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, {"mine": claim})
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("study file mine.yaml: claim 'mine'")


def test_noise_and_the_values_of_a_tuned_key_can_be_spoken_of(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    claims = {
        "noise": {"text": "a", "of": "spread over replicates", "compare": PAIR, "expect": "less"},
        "rate": {"text": "b", "at": {"optimizer.lr": 0.1}, "expect": {"converges": "50 %"}},
    }
    tune = {"optimizer.lr": [0.01, 0.1]}
    path.write_text(yaml.safe_dump({**BASE, "claims": claims, "tune": tune}, sort_keys=False))
    noise, rate = read_study(path, GROUPS).claims
    assert noise.spread_over == "replicates"
    assert rate.at == {"optimizer.lr": ("0.1",)}
    claims["rate"]["at"] = {"optimizer.lr": 0.2}
    path.write_text(yaml.safe_dump({**BASE, "claims": claims, "tune": tune}, sort_keys=False))
    with pytest.raises(ConfigError, match=r"optimizer.lr has no level '0.2'; it has 0.01 or 0.1"):
        read_study(path, GROUPS)
