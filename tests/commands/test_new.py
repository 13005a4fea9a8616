"""`ablate new`: a study file that can be planned as it is."""

import json
from pathlib import Path

import pytest

from ablate.cli import main


def test_a_new_study_can_be_planned_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine"]) == 0
    assert "mine.yaml written" in capsys.readouterr().out
    assert main(["new", "mine"]) == 2
    assert "mine.yaml is there already" in capsys.readouterr().err
    assert main(["new", "a/b"]) == 2
    assert "is not allowed: use letters" in capsys.readouterr().err
    assert main(["plan", "study=mine.yaml", "--json"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)
    assert (plan["study"], plan["runs"], plan["claims"]) == ("mine", 36, 2)


def test_it_lies_among_the_studies_of_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf" / "study").mkdir(parents=True)
    assert main(["--root", str(tmp_path), "new", "mine"]) == 0
    assert (tmp_path / "conf" / "study" / "mine.yaml").exists()
    assert main(["plan", "study=mine", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("mine · ")
