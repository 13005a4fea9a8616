"""The script and the study of the documentation, word for word: it knows nothing of this package."""

import re
import sys
from pathlib import Path

import pytest
from sweeping_here import sweep_here

import ablate

PAGE = Path(__file__).parents[2] / "docs" / "own-code.md"


def test_the_page_shows_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("**A command** may be a script")[2]
    script, study = (
        re.findall(rf"```{kind}\n(.*?)```", text, re.S)[0] for kind in ("python", "yaml")
    )
    assert "ablate" not in script
    (tmp_path / "train.py").write_text(script)
    monkeypatch.chdir(tmp_path)
    there = study.replace('"python ', f'"{sys.executable} ')  # whatever it is called here
    sweep_here(there, tmp_path, monkeypatch)
    runs = ablate.load("mine", tmp_path).set_index("cell")
    ended = runs.groupby(level=0)["status"].agg(list).to_dict()
    assert sorted(ended.values()) == [["diverged"] * 2, ["done"] * 2, ["done"] * 2]
    fitted = runs[runs["status"] == "done"]
    assert (fitted["mse"] < 0.2).all()
    assert fitted["mse"].nunique() == 4  # each replicate has a seed of its own
    epochs = ablate.load("mine", tmp_path, frame="epochs").set_index("cell").loc[fitted.index]
    assert set(epochs["step"]) == set(range(20, 201, 20))
    assert epochs["validation/loss"].notna().all()
    curves = ablate.load("mine", tmp_path, frame="curves").set_index("cell").loc[fitted.index]
    assert curves["step"].max() > 150
