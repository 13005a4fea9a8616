"""Before a commit the same linters run as in `make test`."""

import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def test_hooks_are_the_linters_of_make_test() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]
    recipe = re.search(r"^test:.*\n((?:\t.*\n)+)", (REPOSITORY / "Makefile").read_text(), re.M)
    assert recipe is not None
    lines = recipe[1].replace("$(BIN)", ".venv/bin").splitlines()
    linters = [line.strip() for line in lines if "pytest" not in line]
    assert [hook.replace(" --force-exclude", "") for hook in hooks] == [
        linter.removesuffix(" .") for linter in linters
    ]
