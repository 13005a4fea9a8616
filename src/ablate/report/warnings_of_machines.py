"""The warning on machines: runs that are compared, made by other arithmetic."""

from collections import Counter

import pandas as pd

from ablate.report.warning import DataWarning

_VENDORS = ("Intel", "AMD")
#: Columns of `runs` that say what computed it.
_MACHINE = ["gpu", "cpu", "cpu_capability"]


def unlike_machines(runs: pd.DataFrame) -> list[DataWarning]:
    """Return the warning where runs of one replicate were made on machines of several kinds.

    runs  without an A/A control

    A kind is a model of GPU, or the vector instructions and the maker of a processor: with other
    ones losses differ from the seventh digit, and training makes more of it. Runs that do not say
    theirs are left out: reports of before have no such columns.
    """
    if not set(_MACHINE) <= set(runs.columns):
        return []
    ended = runs[runs["status"].isin(["done", "diverged"])]
    machines = zip(*(ended[column] for column in _MACHINE), strict=True)
    kinds = pd.Series([_kind(*machine) for machine in machines], ended.index, dtype=object)
    known = kinds.notna()
    kinds, replicates = kinds[known], ended["replicate"][known]
    apart = kinds.groupby(replicates).nunique() > 1
    if not apart.any():
        return []
    found = sorted(Counter(kinds).items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{kind} in {count} run{'s' * (count > 1)}" for kind, count in found)
    text = (
        f"In {int(apart.sum())} of {len(apart)} replicates runs that are compared were made on "
        f"machines of different kinds ({told}), whose arithmetic differs in the last digits; "
        f"{_advice([kind for kind, _ in found])}."
    )
    return [DataWarning("unlike machines", (), text)]


def _kind(gpu: object, cpu: object, instructions: object) -> str | None:
    if isinstance(gpu, str):
        return gpu
    if not isinstance(instructions, str):
        return None
    vendor = next((name for name in _VENDORS if name in str(cpu)), cpu)
    return f"{instructions} on {vendor}"


def _advice(kinds: list[str]) -> str:
    """Return what to do: where only the instructions differ there is a key for it."""
    instructions, vendors = zip(*(kind.partition(" on ")[::2] for kind in kinds), strict=True)
    if vendors[0] and len(set(vendors)) == 1 and set(instructions) <= {"AVX2", "AVX512"}:
        return "trainer.cpu_capability=avx2 gives them the same instructions"
    return "a sweep on machines of one kind tells whether that matters"
