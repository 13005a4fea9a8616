"""How many replicates of each cell a study with looks has asked for so far."""

from dataclasses import replace
from pathlib import Path

from ablate.store.files import LedgerError
from ablate.store.index import read_index
from ablate.study.plan import Plan


def as_asked_before(plan: Plan, root: Path) -> Plan:
    """Return the plan at the look that each of its cells had reached when it was last swept.

    A number that is no look of the study counts as the next look that has as many.
    """
    if not plan.study.looks:
        return plan
    try:
        cells = read_index(root, plan.study.name) or []
    except LedgerError:  # the next sweep writes it anew
        cells = []
    asked = {cell.key: plan.study.look_with(cell.replicates) for cell in cells}
    return replace(plan, asked=asked)
