"""An installed wheel finds its own conf/ and runs outside the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet",
         "--disable-pip-version-check", "-w", str(folder), str(REPOSITORY)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("ablate-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_it_sweeps_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    words = ["sweep", "study=quickstart", "--quick", "init=he,xavier", "model.activation=relu,tanh"]
    code = (
        "import ablate, sys; print(ablate.__file__); from ablate.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(installed)}, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout  # and not the checkout that this test runs from
    assert len(list(tmp_path.glob("reports/quickstart-quick-*/index.html"))) == 1
