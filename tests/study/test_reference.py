"""The schema and the reference of a study file say what the reader takes."""

import json
import runpy
from pathlib import Path

import jsonschema
import pytest
import yaml

from ablate.cli import main
from ablate.commands.command_line import plan_studies, sort_words
from ablate.study.items import ITEMS

ROOT = Path(__file__).resolve().parents[2]
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))
SCHEMA = json.loads(json.dumps(GENERATE["schema"]()))
STUDIES = [*sorted(ROOT.glob("docs/examples/*.yaml")), *sorted(ROOT.glob("conf/study/*.yaml"))]


def test_the_documents_are_what_the_types_say() -> None:
    # Raises where a key or an option has no example.
    assert (ROOT / "docs" / "study-file.md").read_text() == GENERATE["reference"]()
    assert json.loads((ROOT / "docs" / "study.schema.json").read_text()) == SCHEMA


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_schema_takes_every_study(path: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/examples/*.yaml")), ids=lambda p: p.stem)
def test_every_example_compiles(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests")  # where its own code lies
    (start,) = plan_studies(sort_words([f"study={path}"]))
    assert start.plan.cells


@pytest.mark.parametrize(
    "slip",
    [
        {"qestion": "?"},
        {"replicates": 0},
        {"baseline": {"data": "mnits"}},
        {"report": ["heat_map"]},
        {"claims": {"a": {"text": "b", "expcet": "less"}}},
        *({"report": [{kind: {"colums": "x"}}]} for kind in ITEMS),
    ],
    ids=lambda slip: str(slip)[:50],
)
def test_the_schema_names_slips(slip: dict) -> None:
    study = yaml.safe_load((ROOT / "docs" / "examples" / "one_at_a_time.yaml").read_text())
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(study | slip)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["properties"].keys() == SCHEMA["properties"].keys()
