"""Which test examples change sides between two arms, and what of the test set a report keeps.

The test set is read while it is at hand: every label, and the images of the few examples that a
figure shows. They lie beside the report, which is drawn from there.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ablate.errors import ReportError
from ablate.metrics import Final
from ablate.report.claim_metrics import measure
from ablate.report.example_answers import Answers, answers
from ablate.report.frame import Frames
from ablate.report.held_out import HeldOut
from ablate.report.parts import each_part
from ablate.stats import Array
from ablate.study.accuracy import ACCURACY
from ablate.study.items import ChangedExamples
from ablate.study.items.examples import Compared
from ablate.study.schema import Study

NAME = "test_set.parquet"
#: Examples that a row of the figure shows, at most.
SHOWN = 8
_SCHEMA = pa.schema({
    "test_set": pa.string(), "position": pa.int64(), "label": pa.int64(), "channels": pa.int64(),
    "height": pa.int64(), "width": pa.int64(), "pixels": pa.binary(),
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Changed:
    """What two arms answer to each of N test examples: level a of a factor against b."""

    compared: Compared
    answers: Answers

    @property
    def where(self) -> str:
        """What is fixed of other factors, as it follows in a sentence: `, activation = relu`."""
        at = self.compared.at
        return "".join(f", {name} = {' or '.join(levels)}" for name, levels in at.items())

    @property
    def shares(self) -> tuple[Array, Array]:
        """The share of runs that are right in A and in B, by example, (N,) each."""
        a, b = self.answers.right.mean(axis=1)
        return a, b

    @property
    def sides(self) -> npt.NDArray[np.int64]:
        """1 for examples that A wins, -1 for those that it loses, else 0, (N,).

        Won is what more than half of the runs with A get right, and not more than half with B.
        """
        a, b = (share > 0.5 for share in self.shares)
        return a.astype(np.int64) - b.astype(np.int64)

    def largest(self, sign: int) -> list[int]:
        """Return the examples that A has right in more runs than B (sign 1), or in fewer (-1).

        Those that differ most stand first; of equal ones those that change sides, and then those
        that come first in the test set.
        """
        a, b = self.shares
        gain = np.round(sign * (a - b), 9)  # so that equal shares are equal on any processor
        order = np.lexsort((self.sides != sign, -gain))[:SHOWN]
        return [int(place) for place in order if gain[place] > 0]


def changed(item: ChangedExamples, study: Study, frames: Frames) -> Changed:
    """Return what the two arms of an item answer; `study` of one part.

    Raises ReportError where runs keep no answers or no pair converged.
    """
    compared = item.compared(study)
    assert compared is not None  # see `ChangedExamples.lacks`
    factor, a, b, at = compared
    arms = measure(Final(ACCURACY), study, frames).pair(factor, a, b, at)
    given = answers(arms, frames.examples)
    if not given.replicates:
        raise ReportError(f"no replicate converged both with {a} and with {b}.")
    return Changed(compared, given)


def write_test_sets(
    study: Study, frames: Frames, test_sets: Iterable[HeldOut], directory: Path
) -> None:
    """Write the labels of the test sets that items show, and the images of what they show.

    One row per test set and example, in order: test_set, position, label; channels, height, width
    and pixels (uint8) of images that are shown. Removed where no item asks for it.
    """
    known = {one.digest: one for one in test_sets}
    shown: dict[str, set[int]] = {}
    for item in study.report:
        if isinstance(item, ChangedExamples):
            for _, alone, own in each_part(item, study, frames):
                with suppress(ReportError):
                    found = changed(item, alone, own)
                    places = {*found.largest(1), *found.largest(-1)}
                    shown.setdefault(found.answers.test_set, set()).update(places)
    (directory / NAME).unlink(missing_ok=True)
    rows = [row for digest, places in shown.items() for row in _rows(known[digest], places)]
    if rows:
        pq.write_table(
            pa.Table.from_pylist(rows, _SCHEMA), directory / NAME, compression="zstd",
            compression_level=19, write_statistics=False, use_dictionary=["test_set", "label"],
            column_encoding={"position": "DELTA_BINARY_PACKED"},
        )  # fmt: skip


def _rows(test_set: HeldOut, places: Collection[int]) -> Iterator[dict[str, Any]]:
    is_image = test_set.inputs.ndim == 4
    for position, label in enumerate(test_set.labels.tolist()):
        row = {"test_set": test_set.digest, "position": position, "label": label}
        if is_image and position in places:
            image = test_set.inputs[position]
            if image.dtype != np.uint8:
                image = (255 * image.clip(0, 1)).round().astype(np.uint8)
            size = zip(("channels", "height", "width"), image.shape, strict=True)
            row |= {**dict(size), "pixels": image.tobytes()}
        yield row


def read_test_set(directory: Path, digest: str) -> pd.DataFrame:
    """Return the rows of a test set from beside a report; none where it is not there."""
    path = directory / NAME
    rows = pd.read_parquet(path) if path.is_file() else pd.DataFrame({"test_set": []})
    return rows[rows["test_set"] == digest].reset_index(drop=True)
