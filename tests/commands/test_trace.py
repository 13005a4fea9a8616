"""`ablate trace`: a printed number leads to its runs."""

import re
from pathlib import Path

import numpy as np
import pytest

from ablate.cli import main
from ablate.report.regenerate import regenerate


def test_a_number_leads_to_its_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    regenerate(root, "wide")
    assert main(["trace", "wide", "table 1", "8", "--root", str(root)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("table-1, 8, test accuracy (%): ")
    assert "model.width=8" in told[2]
    values = [float(re.search(r"accuracy\s+(\S+)", line)[1]) for line in told[3:]]
    assert values == [0.85, 0.86]  # as they were written
    mean = float(re.search(r": ([\d.]+) ±", told[0])[1])
    assert 100 * np.mean(values) == pytest.approx(mean, abs=0.6)  # as it is printed
    for words, sentence in [
        (["narrow", "table 1"], "there is no report of study 'narrow'"),
        (["wide", "table 1", "5"], "has no row or column '5'"),
        (["wide", "table 1"], "2 cells of table-1 fit; name row and column"),
    ]:
        assert main(["--root", str(root), "trace", *words]) == 2
        assert sentence in capsys.readouterr().err
