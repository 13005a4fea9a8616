"""Tables that others have published, and which of a study's levels stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ablate.config.compose import package_conf
from ablate.config.yaml_file import read_yaml

if TYPE_CHECKING:
    from ablate.study.schema import Factor, Study

    #: A factor, and the published name of each of its levels that stands in the table.
    Axis = tuple[Factor, Mapping[str, str]]

#: A published percentage, `n/c`, or None where there is no such cell.
Value = float | str | None


@dataclass(frozen=True)
class PublishedTable:
    """A table of test accuracies in percent, from `conf/published/NAME.yaml`.

    paper    authors and what they trained: `Mishkin & Matas, FitNet-4 on CIFAR-10`
    numbers  what the values are, in a phrase
    rows     values in the order of `columns`
    names    the published name of a level of ours, where it is another one
    notes    what must be known of a row or column that is shown, by its published name
    """

    paper: str
    numbers: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Value, ...]]
    names: Mapping[str, str]
    notes: Mapping[str, str]

    def value(self, row: str, column: str) -> Value:
        """Return what is printed where a row and a column meet."""
        return self.rows[row][self.columns.index(column)]

    def axes(
        self, study: Study, rows: str | None, columns: str | None, names: Mapping[str, str]
    ) -> tuple[Axis, Axis]:
        """Return the factors down and across, by default those with most levels in the table.

        Levels are matched by their names (`lsuv`, `relu`, ...) or by `names`: published name by
        level name.
        """
        printed = {name.lower(): name for name in (*self.rows, *self.columns)}
        known = {**printed, **self.names, **names}

        def axis(named: str | None, allowed: tuple[str, ...]) -> Axis:
            found = []
            for factor in [study.factor(named)] if named else study.factors:
                levels = [level.name for level in factor.levels]
                matched = {level: known.get(level, known.get(level.lower())) for level in levels}
                found.append((factor, {k: name for k, name in matched.items() if name in allowed}))
            return max(found, key=lambda one: len(one[1]))

        return axis(rows, tuple(self.rows)), axis(columns, self.columns)


@cache
def published_table(name: str) -> PublishedTable | None:
    """Return a published table by its name, None where there is none of that name."""
    path = package_conf() / "published" / f"{name}.yaml"
    if not path.is_file():
        return None
    content = read_yaml(path)
    rows = {row: tuple(values) for row, values in content["rows"].items()}
    return PublishedTable(**{**content, "columns": tuple(content["columns"]), "rows": rows})


def published_names() -> list[str]:
    """Return the names of all published tables."""
    return sorted(path.stem for path in (package_conf() / "published").glob("*.yaml"))
