"""Numbers that training of the user's own gives: read, or refused by the name they have.

`source` says throughout whose they are: `trainer=mylab.train.fit`, or `trainer.command`.
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ablate.errors import AblateError
from ablate.metrics import refuse_impossible

Row = dict[str, float]


def numbers(source: str, part: str, values: Mapping[Any, Any]) -> Row:
    """Return values by name as plain numbers; a tensor or array of one number is one.

    part  what they are, for the sentence of the AblateError that is raised for anything else
    """
    found: Row = {}
    for name, value in values.items():
        plain = value.item() if getattr(value, "ndim", None) == 0 else value
        if not isinstance(name, str) or not isinstance(plain, Real):
            raise AblateError(
                f"{source} must give {part} as numbers by name, or an ablate.Outcome; "
                f"it gave {name!r}: {value!r:.80}."
            )
        try:
            number = float(plain)
        except OverflowError:
            number = math.inf
        whole = isinstance(value, int) and not isinstance(value, bool)
        found[name] = value if whole and math.isfinite(number) else number
    return found


def evaluation(source: str, part: str, values: Mapping[Any, Any]) -> Row:
    """Return one point of the learning curves: numbers by name, among them a whole `step`."""
    row = numbers(source, part, values)
    step = float(row.get("step", math.nan))
    if not step.is_integer() or step < 0:
        raise AblateError(
            f"{source} gives {part} with step = {step:g}; it must be a whole number from 0 on."
        )
    row = {**row, "step": int(row["step"])}
    refuse_impossible(row, source)
    return row


def evaluations(source: str, rows: Any) -> list[Row]:
    """Return points of the learning curves, as `evaluation` does."""
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise AblateError(
            f"{source} must give evaluations as a list of mappings; it gave {rows!r:.80}."
        )
    return [evaluation(source, f"evaluations[{i}]", row) for i, row in enumerate(rows)]


def floats(source: str, part: str, values: Any) -> npt.NDArray[np.float32]:
    """Return numbers as an array: losses (steps,), predictions of any shape."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().float()
    try:
        with np.errstate(over="ignore"):  # a loss beyond single precision is infinite
            found = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise AblateError(f"{source} gives {part} that are no numbers: {error}.") from None
    if part == "losses" and found.ndim != 1:
        raise AblateError(f"{source} gives losses {found.shape}; they must be a number per step.")
    return found


def finite(row: Mapping[str, float]) -> Row:
    """Return the values that are finite."""
    return {name: value for name, value in row.items() if math.isfinite(value)}
