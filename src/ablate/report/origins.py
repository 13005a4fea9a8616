"""Where the runs of a report come from; a mixture is said in the open."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd

from ablate.report.run_arrays import runs_asked
from ablate.study.schema import Study


@dataclass(frozen=True)
class Origin:
    """One line of the provenance: a label and its values, each with its number of runs."""

    label: str
    text: str
    is_mixed: bool


def origins(study: Study, runs: pd.DataFrame, cells: int) -> list[Origin]:
    """Return where the runs of a study of so many cells come from, a line per kind of origin."""
    ended = runs[runs["status"].isin(["done", "diverged"])]
    failed = int((runs["status"] == "failed").sum())
    counts = f"{len(ended)} of {runs_asked(study, runs, cells)} finished"
    lines = [Origin("runs", f"{counts}, {failed} failed" if failed else counts, False)]
    if ended.empty:
        return lines
    commits = ended["commit"].fillna("unknown").astype(str).str[:12]
    # Unknown is None or NaN, and NaN is true: only what equals True is dirty.
    dirty = ended["dirty"].map(lambda value: bool(value == True))  # noqa: E712
    # Reports of before do not say it.
    nothing = pd.Series(None, ended.index, dtype=object)
    instructions = ended.get("cpu_capability", nothing).map(
        lambda value: f" ({value})" if isinstance(value, str) else ""
    )
    columns = {
        "commit": commits + dirty.map({True: " with uncommitted changes", False: ""}),
        "torch": ended["torch"],
        "device": ended["device"],
        "GPU": ended.get("gpu", nothing),
        "processor": ended["cpu"] + instructions,
        "data SHA-256": ended["data_digest"],
        "seed": ended["seed"],
    }
    told = {label: values for label, values in columns.items() if label != "GPU" or values.any()}
    return lines + [_origin(label, values) for label, values in told.items()]


def _origin(label: str, values: pd.Series) -> Origin:
    counts = Counter("unknown" if pd.isna(value) else str(value) for value in values)
    if len(counts) == 1:
        return Origin(label, next(iter(counts)), False)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{text} ({n} {'run' if n == 1 else 'runs'})" for text, n in ordered]
    return Origin(label, ", ".join(parts), True)
