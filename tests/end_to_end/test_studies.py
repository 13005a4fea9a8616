"""Every shipped study runs with --quick, from the command line to the report."""

from pathlib import Path

import pytest
from warm import ablate

from ablate.config.compose import package_conf
from ablate.study.lockfile import read_lock
from ablate.study.reader import study_files

STUDIES = sorted(study_files((package_conf(),)))
#: Many cells or many pictures; other studies have each kind of figure as well, or its own test.
LONG = [
    "augmentation", "augmentation-cifar10", "batchnorm", "batchnorm-cifar10", "batchnorm_x_init",
    "dropout", "dropout_masks", "ensemble", "ensemble-cifar10", "init_method",
    "init_method-cifar10", "init_scale", "l1", "networks", "optimizer", "optimizer_paths",
    "precision", "recipe", "recipe-cifar10", "signal", "snapshot",
]  # fmt: skip
SHORT = [name for name in STUDIES if name not in LONG]


PARTS = 6


# Several studies in one command start everything once; several commands fill two processes.
@pytest.mark.parametrize(
    "names",
    [*(SHORT[part::PARTS] for part in range(PARTS)), pytest.param(LONG, marks=pytest.mark.slow)],
    ids=[*map(str, range(PARTS)), "long"],
)
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_quick(names: list[str], tmp_path: Path) -> None:
    words = ("sweep", f"study={','.join(names)}", "--quick", "launch.workers=1", "replicates=1")
    done = ablate(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for name in names:
        report = tmp_path / "reports" / f"{name}-quick"
        locked = read_lock(report)
        assert locked is not None
        results = list((tmp_path / "runs" / f"{name}-quick").glob("*/[0-9]/result.json"))
        assert len(results) == len(locked.cells) * locked.study.replicates
        assert (report / "index.html").exists()
        figures = list(report.glob("*.png"))
        kinds = {item.kind for item in locked.study.report}
        # Tables, and what one replicate has no interval for.
        kinds -= {"table", "published", "compared_to_base", "effects", "factor_effects"}
        assert len(figures) >= len(kinds), name
