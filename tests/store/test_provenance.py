from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.store.provenance import _git, provenance


def test_it_is_json_and_names_what_moves_numbers() -> None:
    facts = provenance("cpu", data_digest="abc", seed=3)
    json.dumps(facts, allow_nan=False)
    assert (facts["device"], facts["data_digest"], facts["seed"]) == ("cpu", "abc", 3)
    assert {"python", "ablate", "torch", "numpy"} <= set(facts["versions"])
    assert facts["threads"] >= 1
    assert facts["cpu"]


def test_commit_and_dirty_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments]
        return subprocess.run(
            command, cwd=clean, check=True, capture_output=True, text=True
        ).stdout.strip()

    clean, dirty = tmp_path / "clean", tmp_path / "dirty"
    clean.mkdir()
    monkeypatch.chdir(clean)
    # Folders of their own: the answer is kept for the life of the process.
    git("init", "-q")
    (clean / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    facts = provenance("cpu", "abc", 0)
    assert facts["commit"] == git("rev-parse", "HEAD")
    assert facts["dirty"] is False
    subprocess.run(["git", "clone", "-q", str(clean), str(dirty)], check=True)
    (dirty / "file").write_text("two")
    monkeypatch.chdir(dirty)
    assert provenance("cpu", "abc", 0)["dirty"] is True


def test_a_report_written_since_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
                       cwd=tmp_path, check=True, capture_output=True)  # fmt: skip

    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "README.md").write_text("old")
    (tmp_path / "code.py").write_text("old")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    (tmp_path / "reports" / "README.md").write_text("new")
    monkeypatch.chdir(tmp_path)
    assert provenance("cpu", "abc", 0)["dirty"] is False
    (tmp_path / "code.py").write_text("new")
    _git.cache_clear()
    assert provenance("cpu", "abc", 0)["dirty"] is True


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    facts = provenance("cpu", "abc", 0)
    assert (facts["commit"], facts["dirty"]) == (None, None)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, ablate.store; from ablate.store.provenance import provenance;"
        "provenance('cpu', 'abc', 0);"
        "print([m for m in ('torch', 'mlflow', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_another_repository_of_the_environment_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a hook, where git has set variables for the repository that it works on."""
    for name in ("here", "other"):
        (tmp_path / name).mkdir()
        for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", name]):
            command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
            subprocess.run(command, cwd=tmp_path / name, check=True)
    head = ["git", "rev-parse", "HEAD"]
    found = subprocess.run(head, cwd=tmp_path / "here", capture_output=True, text=True, check=True)
    monkeypatch.chdir(tmp_path / "here")
    other = str(tmp_path / "other" / ".git")
    pairs = [
        {"GIT_DIR": other},
        {"GIT_DIR": other, "GIT_WORK_TREE": str(tmp_path / "other")},
        {"GIT_INDEX_FILE": "/nowhere", "GIT_COMMON_DIR": other},
        {"GIT_OBJECT_DIRECTORY": f"{other}/objects"},
        {"GIT_LITERAL_PATHSPECS": "1"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.worktree",
         "GIT_CONFIG_VALUE_0": "/nowhere"},
    ]  # fmt: skip
    for variables in pairs:
        _git.cache_clear()
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            facts = provenance("cpu", "abc", 0)
        assert (facts["commit"], facts["dirty"]) == (found.stdout.strip(), False), variables
