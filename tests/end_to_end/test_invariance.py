"""How a study is swept changes no result: order of cells, workers, stacks, resuming."""

import random
import shutil
from pathlib import Path

import pytest
from sweeping import runs_of, small, sweep

pytestmark = pytest.mark.long  # whole sweeps, a dozen

SCALES = [0.5, 0.7, 1.0, 1.4]


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path
) -> dict[str, dict[str, bytes]]:
    folder = small(tmp_path_factory.mktemp("plain"), SCALES, replicates=5)
    shutil.copy(empty_mlflow, folder)
    code, output = sweep(folder)
    assert code == 0, output
    return runs_of(folder)


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (0, ["launch.workers=1", "trainer.stack=3"]),
        pytest.param(1, ["launch.workers=2", "trainer.stack=off"], marks=pytest.mark.slow),
        pytest.param(2, ["launch.workers=3", "trainer.stack=2"], marks=pytest.mark.slow),
        pytest.param(3, ["launch.workers=1", "trainer.stack=off"], marks=pytest.mark.slow),
        pytest.param(4, ["launch.workers=2", "trainer.stack=5"], marks=pytest.mark.slow),
    ],
)
def test_order_workers_stacks_and_resuming_change_nothing(
    plain: dict[str, dict[str, bytes]], tmp_path: Path, seed: int, words: list[str]
) -> None:
    """Cells permuted; two replicates first, then all; then a random half lost and made again."""
    rng = random.Random(seed)
    levels = rng.sample(SCALES, len(SCALES))
    small(tmp_path, levels, replicates=2)
    assert sweep(tmp_path, *words)[0] == 0
    small(tmp_path, levels, replicates=5)
    assert sweep(tmp_path, *words)[0] == 0
    assert runs_of(tmp_path) == plain
    results = sorted(tmp_path.glob("runs/mine/*/*/result.json"))
    for path in rng.sample(results, len(results) // 2):
        path.unlink()
    code, output = sweep(tmp_path, *words)
    assert code == 0, output
    assert "20/20 runs" in output
    assert runs_of(tmp_path) == plain
