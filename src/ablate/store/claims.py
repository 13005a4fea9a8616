"""Claims on runs, so that two workers do not train the same: `runs/<study>/.claims/<key>`.

They save work and nothing depends on them: whoever trains a run for the second time finds it in
the ledger (`ablate.store.commit`). A claim is a file that only one can make, by the manuals of NFS,
Lustre and SMB too, with the name of its owner's journal in it; it is void when its owner is not at
work any more.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from ablate.store.clock import now_at
from ablate.store.journal import VOID_AFTER, Journal, is_at_work


def claim(root: Path, study: str, keys: Sequence[str], ours: Journal) -> bool:
    """Claim all runs with these keys, or none; return whether they are ours."""
    taken: list[str] = []
    for key in keys:
        if not _claim(root, study, key, ours):
            release(root, study, taken)
            return False
        taken.append(key)
    return True


def release(root: Path, study: str, keys: Collection[str]) -> None:
    """Give up claims."""
    for key in keys:
        with suppress(OSError):
            _file(root, study, key).unlink()


def _claim(root: Path, study: str, key: str, ours: Journal) -> bool:
    path = _file(root, study, key)
    try:
        for _ in range(3):
            if _made(path, ours.path.name):
                return True
            with suppress(FileNotFoundError):  # released meanwhile
                if not _is_void(root, study, path):
                    return False
                path.unlink()
    except (OSError, ValueError):  # bookkeeping never costs a run
        return True
    return False


def _made(path: Path, owner: str) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(owner)
    except FileExistsError:
        return False
    return True


def _is_void(root: Path, study: str, path: Path) -> bool:
    owner = path.read_text(encoding="utf-8")
    if owner:
        return not is_at_work(root, study, owner)
    # Its owner is about to say so, or was killed before.
    return now_at(path.parent) - path.stat().st_mtime > VOID_AFTER


def _file(root: Path, study: str, key: str) -> Path:
    return root / "runs" / study / ".claims" / key
