"""Entries that come from a machine that does not see the ledger: as bytes, into their place."""

from collections.abc import Mapping
from pathlib import Path

from ablate.store.commit import commit
from ablate.store.files import LedgerError, parse_json, sha256, write_atomically
from ablate.store.reader import check_whole
from ablate.store.result import CONFIG, config_path, read_result


def entry_files(directory: Path) -> dict[str, bytes]:
    """Return the files of an entry by name, its config as `config.yaml`.

    Raises LedgerError for one that is unfinished or damaged.
    """
    result = read_result(directory)
    if result is None:
        raise LedgerError(f"{directory} has no finished run.")
    check_whole(directory, result)
    files = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    return files | {CONFIG: result.path_of(directory, CONFIG).read_bytes()}


def adopt_entry(directory: Path, files: Mapping[str, bytes], key: str) -> bool:
    """Put an entry in its place as `write_run` would; return whether it lies there now."""
    within = dict(files)
    if parse_json(files["result.json"], directory)["schema"] > 2:  # before, each had its own
        config = config_path(directory, sha256(within[CONFIG]))
        config.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(config, within.pop(CONFIG), flush=False)
    return commit(directory, within, key)
