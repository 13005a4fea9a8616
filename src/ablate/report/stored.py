"""Rows that may be more than memory holds: written a part at a time, read as they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ablate.store.files import LedgerError

#: A file of up to so many rows has them in one group, packed as small as it gets.
_TOGETHER = 2**20
#: The groups of a larger one: small enough to skip most of them where few cells are asked for.
_GROUP = 2**17


@dataclass(frozen=True)
class Stored:
    """The rows of a frame that lies in a Parquet file.

    cells  those whose rows count; None: all
    """

    path: Path
    cells: frozenset[str] | None = None

    def of_cells(self, cells: Collection[str]) -> Stored:
        """Return the rows of some of its cells."""
        kept = frozenset(cells)
        return replace(self, cells=kept if self.cells is None else kept & self.cells)


#: A frame in memory, or one of which only what is asked for gets there.
LargeFrame = pd.DataFrame | Stored


def taken(frame: LargeFrame, columns: Sequence[str] = (), **among: Collection[Any]) -> pd.DataFrame:
    """Return the rows of a frame whose columns are `among` these values, in their order.

    columns  those that are wanted; by default all

    Raises LedgerError, naming the file, where it is damaged.
    """
    if isinstance(frame, Stored):
        return _read(frame, columns, among)
    for name, values in among.items():
        frame = frame[frame[name].isin(values)]
    return frame[list(columns)] if columns else frame


def _read(
    stored: Stored, columns: Sequence[str], among: dict[str, Collection[Any]]
) -> pd.DataFrame:
    if stored.cells is not None:
        known = among.get("cell")
        among = {**among, "cell": stored.cells & set(stored.cells if known is None else known)}
    try:
        with pq.ParquetFile(stored.path) as file:
            schema = file.schema_arrow
            wanted = [schema.field(name) for name in columns or schema.names]
            values = {n: pa.array(list(v), schema.field(n).type) for n, v in among.items()}
            groups = range(file.num_row_groups) if all(map(len, values.values())) else ()
            found = [
                table
                for group in groups
                if (table := _of_group(file, group, [one.name for one in wanted], values))
                is not None
            ]
        together = pa.concat_tables([pa.schema(wanted).empty_table(), *found])
        rows: pd.DataFrame = together.to_pandas()
        return rows
    except FileNotFoundError:
        raise
    except Exception as error:  # pyarrow raises a dozen kinds for damaged bytes
        raise damaged(stored.path) from error


def _of_group(
    file: pq.ParquetFile, group: int, columns: list[str], values: dict[str, pa.Array]
) -> pa.Table | None:
    """Return the rows of one group that have the values; None, with little read, without any."""
    if not values:
        return file.read_row_group(group, columns)
    kept = None
    for name, known in values.items():
        one = pc.is_in(file.read_row_group(group, [name])[name], value_set=known)
        kept = one if kept is None else pc.and_(kept, one)
        if not pc.any(kept).as_py():
            return None
    return file.read_row_group(group, columns).filter(kept)


def damaged(path: Path) -> LedgerError:
    """Return what is said of a file of rows that cannot be read."""
    return LedgerError(f"{path} is damaged; sweep again, or restore it.")


class TableFile:
    """A Parquet file that is written a part at a time: `add` tables of one schema, then `close`.

    The same rows give the same bytes, however they are cut.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Add rows, which stay in memory until there are enough."""
        self._waiting.append(table)
        self._rows += table.num_rows
        while self._rows > _TOGETHER:
            self._write(_TOGETHER)

    def close(self) -> None:
        """Write what is left; without any table there is no file."""
        if self._writer is not None:
            self._write(self._rows)
            self._writer.close()
        elif self._waiting:
            write_table(pa.concat_tables(self._waiting).combine_chunks(), self._path)
        self._waiting = []

    def _write(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting)
        if self._writer is None:
            # What is large is packed quickly: the last tenth of its size would take minutes.
            self._writer = pq.ParquetWriter(
                self._path, table.schema, **_encoding(table.schema), compression_level=3
            )
        self._writer.write_table(table.slice(0, rows).combine_chunks(), row_group_size=_GROUP)
        self._waiting = [table.slice(rows)]
        self._rows -= rows


def write_table(table: pa.Table, path: Path) -> None:
    """Write a whole table as small as it gets."""
    table = _narrowed(table)
    pq.write_table(table, path, **_encoding(table.schema), compression_level=19)


def _narrowed(table: pa.Table) -> pa.Table:
    """Return the table with counts of histograms in 32 bits, unless there are too many."""
    place = table.schema.get_field_index("histogram")
    largest = pc.max(pc.list_flatten(table["histogram"])).as_py() if place >= 0 else None
    if largest is None or largest >= 2**31:
        return table
    return table.set_column(place, "histogram", table["histogram"].cast(pa.list_(pa.int32())))


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns are packed: bytes of numbers side by side, text as a dictionary."""
    floats = [column.name for column in schema if pa.types.is_floating(column.type)]
    lists = [f"{column.name}.list.element" for column in schema if pa.types.is_list(column.type)]
    return {
        "compression": "zstd",
        "use_byte_stream_split": [*floats, *lists],
        "use_dictionary": [name for name in schema.names if name not in floats],
        # Of packed bits the least and the greatest would be kept as they are, twice each.
        "write_statistics": not any(pa.types.is_binary(column.type) for column in schema),
    }
