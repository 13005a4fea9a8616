"""Two thousand runs of a deep network: what is opened, and what is in memory at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from bench.large_ledger import NAME, large_study, write_large_ledger

from ablate.report.frame import LARGE, path_of, read_frame
from ablate.report.ledger_frames import runs_of
from ablate.report.regenerate import write_ledger
from ablate.report.stored import Stored, taken
from ablate.store.index import read_index
from ablate.study.lockfile import read_lock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

#: In a process of its own: an audit hook stays until the end.
_LOAD = """
import json, resource, sys
import ablate.report.ledger_frames
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
opened = []
sys.addaudithook(lambda event, of: opened.append(str(of[0])) if event == "open" else None)
runs = __import__("ablate").load(sys.argv[1], sys.argv[2])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
names = [name.rpartition("/")[2] for name in opened if name.startswith(sys.argv[2])]
print(json.dumps({"runs": len(runs), "KiB": grown, "files": {n: names.count(n) for n in names}}))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many")
    assert write_large_ledger(root, large_study(5, 1, 1)) == 2_000
    return root


def test_loading_opens_a_file_a_run_and_holds_little(root: Path) -> None:
    command = [sys.executable, "-c", _LOAD, NAME, f"{root}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["runs"] == 2_000
    assert found["files"] == {"index.json": 1, "result.json": 2_000}
    assert found["KiB"] < 60 * 1024


def test_five_times_the_runs_take_no_more_memory(root: Path, tmp_path: Path) -> None:
    """Of layers and curves: what is read is written before the next is."""
    locked, cells = read_lock(root / "runs" / NAME), read_index(root, NAME)
    assert locked is not None
    assert cells is not None
    runs = runs_of(root, NAME, cells)
    peaks = []
    for count in (20, 100):
        out = tmp_path / f"{count}"
        out.mkdir()
        tracemalloc.start()
        found = write_ledger(root, locked, runs[:count], _no_data, out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found.runs) == 20 * count
    assert peaks[1] < 1.7 * peaks[0]
    layers, curves = (Stored(path_of(tmp_path / "100", name)) for name in LARGE)
    rows = taken(layers, ("cell", "step"), quantity=["activation"])
    assert rows["cell"].nunique() == 100
    one = taken(curves, cell={cells[7].slug})
    assert one["replicate"].nunique() == 20
    whole = read_frame(tmp_path / "100", "curves")
    assert len(one) == int((whole["cell"] == cells[7].slug).sum())


def _no_data(config: object) -> None:
    from ablate.errors import DataError

    raise DataError("there is no data.")
