"""What the pages of MLflow show first: the saved view of an experiment, and what cells say in it.

MLflow sorts columns by their names, and attributes come before metrics: hence the names of the
metrics, and the description that says the same to people.
"""

import json
from collections.abc import Mapping

from ablate.metrics import quantity

#: The name of the saved view.
VIEW = "ablate"
#: The tag by which the view sorts: the report first, then the cells as the study has them.
ORDER = "ablate.order"
#: What the run of a cell has, in the order of the view's columns, which is that of the alphabet.
CELL_METRICS = ("mean", "mean_from", "mean_to", "n", "n_c", "n_failed")


def view_address(experiment_id: str) -> str:
    """Return the address, below that of the UI, of the view with one row per cell."""
    query = f"viewStateShareKey={VIEW}&workflowType=machine_learning"
    return f"/#/experiments/{experiment_id}/runs?{query}"


def view_state() -> str:
    """Return what MLflow keeps of the view."""
    state = {
        "searchFilter": "tags.ablate.kind != 'replicate'",
        "orderByKey": f"tags.`{ORDER}`",
        "orderByAsc": True,
        "selectedColumns": [
            "attributes.`Description`",
            *(f"metrics.`{name}`" for name in CELL_METRICS),
        ],
    }
    return json.dumps(state, sort_keys=True)


def order_tag(place: int) -> str:
    """Return the value of the tag by which the view sorts: tags are sorted as text."""
    return f"{place:05d}"


def cell_description(metric: str, values: Mapping[str, float], place: str) -> str:
    """Return a cell's description: `94.17 % (91.04 to 97.29) · n 6 · n/c 0`, and what that is.

    values  as `ablate.store.mirror.cell_metrics` gives them
    place   of the cell's runs, for people
    """
    shown = quantity(metric)

    def text(name: str) -> str:
        return f"{shown.scale * values[name]:.4g}".replace("-", "−")

    mean = "–"
    if "mean" in values:
        mean = f"{text('mean')} {shown.unit}".rstrip()
    if "mean_from" in values:
        mean += f" ({text('mean_from')} to {text('mean_to')})"
    failed = f" · {values['n_failed']:.0f} failed" if values["n_failed"] else ""
    return (
        f"{mean} · n {values['n']:.0f} · n/c {values['n_c']:.0f}{failed}\n\n"
        f"{shown.label}: mean and 95 % t interval of the runs that converged. {place}"
    )
