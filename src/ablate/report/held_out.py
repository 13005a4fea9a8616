"""The examples that runs are scored on, and which of them each run gets right.

Read once, while the ledger and the data are at hand: a report keeps a bit per example and run.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ablate import data
from ablate.config.validate import run_config
from ablate.study.accuracy import compares_accuracy
from ablate.study.claims import Rule
from ablate.study.items import ChangedExamples
from ablate.study.schema import Study

Labels = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A test set: inputs (N, C, H, W) or (N, D), uint8 or float32, and labels (N,)."""

    inputs: np.ndarray
    labels: Labels

    @cached_property
    def digest(self) -> str:
        """The first digits of a SHA-256 of inputs and labels: equal where test sets are."""
        # In half precision, as the last bit of a number that is computed is the processor's.
        is_exact = self.inputs.dtype == np.uint8
        exact = self.inputs if is_exact else self.inputs.astype(np.float16)
        content = hashlib.sha256(exact.tobytes())
        content.update(self.labels.tobytes())
        return content.hexdigest()[:16]


#: Gives the test set of a run from its resolved config.
HeldOutReader = Callable[[Mapping[str, Any]], HeldOut]


def held_out_reader(root: Path, read: dict[str, HeldOut]) -> HeldOutReader:
    """Return a function from a run's resolved config to its test set.

    read  gets every test set that is asked for, by its data and seed; none is read twice

    It raises DataError where the data is neither there nor to be fetched.
    """

    def held_out(resolved: Mapping[str, Any]) -> HeldOut:
        config = run_config(resolved)
        name = f"{config.data.model_dump_json()} {config.seed}"
        if name not in read:
            read[name] = HeldOut(*data.load_test_set(config.data, root, config.seed))
        return read[name]

    return held_out


def examples_read(study: Study) -> list[Rule]:
    """Return which cells are compared example by example: levels of factors, by factor.

    Those of claims that compare accuracies on the test set, and of items that show examples. A
    report keeps the answers of no others.
    """
    rules: list[Rule] = []
    for claim in study.claims:
        if compares_accuracy(claim, study):
            pairs = [getattr(claim, field, None) for field in ("compare", "interaction")]
            rules.append({**claim.at, **{name: levels for name, *levels in filter(None, pairs)}})
    for item in study.report:
        if isinstance(item, ChangedExamples) and (compared := item.compared(study)):
            factor, a, b, at = compared
            rules.append({**at, factor: (a, b)})
    return rules


def examples_row(logits: np.ndarray, held_out: HeldOut) -> dict[str, Any] | None:
    """Return which test examples a run gets right, packed, eight to a byte; None without classes.

    logits  (N, K) as they are stored. In half precision two classes may tie of which one had won,
            so that the share of right ones may differ from the accuracy by an example or two; of
            classes that tie the first counts, as there
    """
    if logits.ndim != 2 or len(logits) != len(held_out.labels):
        return None
    correct = logits.argmax(axis=1) == held_out.labels
    packed = np.packbits(correct).tobytes()
    return {"test_set": held_out.digest, "count": len(correct), "correct": packed}


def unpacked(row: Mapping[str, Any]) -> Bits:
    """Return which test examples a run gets right (N,), from its row of the frame `examples`."""
    packed = np.frombuffer(row["correct"], dtype=np.uint8)
    return np.unpackbits(packed, count=int(row["count"])).astype(np.bool_)
