"""What the store and the frames need to know of a cell, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LedgerCell:
    """One cell of a study.

    slug        its folder under `runs/<study>/`
    name        what varies, as people read it: `init=he · activation=relu`
    key         SHA-256 of its config without the replicate
    levels      name of the level by name of the factor
    replicates  replicates 0 .. n-1 belong to the study, so far
    metric      the study's metric, `test/accuracy`
    run_keys    keys that the replicates must have; a run with another key is stale and
                counts as absent. Empty: any key is taken
    looks       numbers of replicates at which the study judges; empty where there is one
    tuned       dotted key that is tuned in this cell, None where nothing is
    """

    slug: str
    name: str
    key: str
    levels: Mapping[str, str]
    replicates: int
    metric: str
    run_keys: tuple[str, ...] = field(default=())
    tuned: str | None = None
    looks: tuple[int, ...] = ()

    def expected(self, replicate: int) -> str | None:
        """Return the key that a run of the cell must have, None where any is taken."""
        return self.run_keys[replicate] if self.run_keys else None
