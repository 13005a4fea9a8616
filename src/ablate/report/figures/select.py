"""From a study and its frames to what one figure shows: roles of factors, rows, captions."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.data import SOURCES
from ablate.errors import ReportError
from ablate.report.columns import level_column
from ablate.report.context import Context
from ablate.report.figures.canvas import Drawing, Legend
from ablate.report.figures.marks import level_name
from ablate.report.figures.style import NO_LEVEL, Look, looks, text_width
from ablate.report.stored import LargeFrame, Stored, taken
from ablate.study.items import Item, OfQuantity
from ablate.study.schema import Factor, Level

#: Data sets as figures name them.
DATA_NAMES = {
    "digits": "the scikit-learn digits",
    "synthetic": "synthetic Gaussian data",
    **{source.name: source.title for source in SOURCES.values()},
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject(Context):
    """What one figure is about.

    name    of the file
    roles   the factor that plays each part (`lines`, `panels`, ...), None where there is none
    fixed   the level of every other factor
    runs    the rows of the runs frame shown; failed runs are never among them
    """

    name: str
    roles: Mapping[str, Factor | None]
    fixed: Mapping[str, str]
    runs: pd.DataFrame

    def factor(self, role: str) -> Factor:
        """Return the factor of a role that the figure cannot do without; its exhibit checked."""
        factor = self.roles[role]
        assert factor is not None
        return factor

    def ink(self, role: str, level: str) -> Look:
        """Return how a level of a role is drawn: in neutral ink where no factor has the role."""
        factor = self.roles[role]
        return looks(self.study)[factor.name, level] if factor else NO_LEVEL

    def told(self, **levels: str) -> dict[str, str]:
        """Return what the page is told of a series: its level by factor, of one level per role."""
        factors = {role: self.roles[role] for role in levels}
        of_roles = {factor.name: levels[role] for role, factor in factors.items() if factor}
        return {level_name(name): level for name, level in {**self.fixed, **of_roles}.items()}

    def legend(
        self, role: str, dashed: bool = False, names: Mapping[str, str] | None = None,
        more: Sequence[Line2D] = (), marked: bool = False,
    ) -> Legend | None:  # fmt: skip
        """Return the legend of a role's levels, None where there is nothing to tell.

        dashed  levels differ in dashes besides colour, else in markers
        names   what the levels are called, by level, where not as in the study
        more    further entries
        marked  levels differ in markers besides dashes
        """
        factor = self.roles[role]
        names = names or {level: level for level in self.levels(role) if factor}
        handles = []
        for level, name in names.items():
            look = self.ink(role, level)
            cue = {"linestyle": look.dash} if dashed else {}
            cue |= {"marker": look.marker} if marked or not dashed else {}
            handles.append(Line2D([], [], color=look.color, label=name, **cue))
        title = factor.label if factor else ""
        return Legend(title, [*handles, *more], self.style) if handles or more else None

    def with_runs(self, role: str) -> list[Level]:
        """Return the levels of a role's factor that have runs, in the study's order."""
        factor = self.factor(role)
        present = set(self.runs[column(factor)])
        return [level for level in factor.levels if level.name in present]

    def levels(self, role: str) -> list[str]:
        """Return the names of these levels; one that is empty where no factor has the role."""
        return [level.name for level in self.with_runs(role)] if self.roles[role] else [""]

    def title(self, role: str, level: str, shown: str, width: float) -> str:
        """Return the title of a panel that shows something at a level of a role.

        A level that is but a number is called with its factor, where `width` inches have room.
        """
        factor = self.roles[role]
        title = ": ".join(filter(None, [level, shown]))
        if factor is not None and re.fullmatch(r"[-+.e\d]+", level):
            whole = f"{factor.label} = {title}"
            title = whole if text_width(whole, self.style.text) < width else title
        return title

    def where(self, frame: pd.DataFrame, **levels: str) -> pd.DataFrame:
        """Return the rows of a joined frame at one level per role."""
        for role, level in levels.items():
            factor = self.roles[role]
            if factor is not None:
                frame = frame[frame[column(factor)] == level]
        return frame

    def joined(self, frame: LargeFrame) -> pd.DataFrame:
        """Return the rows of `frame` that belong to this subject, with status and levels."""
        keys = ["cell", "replicate"]
        if isinstance(frame, Stored):
            frame = taken(frame, cell=set(self.runs["cell"]))
        factors = [column(factor) for factor in self.study.factors]
        return frame.merge(self.runs[[*keys, "status", *factors]], on=keys, how="inner")

    def setting(self, key: str, role: str, level: str) -> Any:
        """Return what the study file says for a dotted key at a level of a role, else None."""
        factor = self.roles[role]
        value = self.study.baseline.get(key)
        for name, chosen in (*self.fixed.items(), *([(factor.name, level)] if factor else [])):
            by_name = {one.name: one for one in self.study.factor(name).levels}
            value = by_name[chosen].overrides.get(key, value)
        return value

    def caption(self, what: str, spread: str = "", with_data: bool = True) -> str:
        """Return a caption: what is shown, at which levels, of how many runs, what bands are."""
        at = ", ".join(f"{self.study.factor(f).label} = {name}" for f, name in self.fixed.items())
        counts = self.runs.groupby("cell").size()
        low, high = int(counts.min()), int(counts.max())
        n = f"{high}" if low == high else f"{low} to {high}"
        count = len(not_converged(self.runs))
        converged = f"; {count} of {len(self.runs)} runs did not converge (n/c)" if count else ""
        data = self._data() if with_data else ""
        replicates = "1 replicate" if n == "1" else f"{n} replicates"
        where = f" ({at})" if at else ""
        return f"{what}{where}{data}, {replicates} per cell{converged}. {spread}".strip()

    def drawing(self, figure: Figure, what: str, spread: str, name: str = "") -> Drawing:
        """Return a figure with its caption, under the name of this subject or another."""
        return Drawing(name or self.name, self.caption(what, spread), figure)

    def _data(self) -> str:
        names = [self.study.baseline.get("data")]
        for factor in self.study.factors:
            fixed = self.fixed.get(factor.name)
            levels = [level for level in factor.levels if fixed in (None, level.name)]
            chosen = [level.overrides.get("data") for level in levels]
            names = [*filter(None, chosen), *(names if None in chosen else [])]
        shown = sorted({DATA_NAMES.get(name, name) for name in names if isinstance(name, str)})
        return f", {' and '.join(shown)}" if shown else ""


def column(factor: Factor) -> str:
    """Return the name of a factor's column in the frames."""
    return level_column(factor.name)


def converged(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of runs that converged."""
    return frame[frame["status"] == "done"]


def not_converged(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of runs that did not converge; a run that failed is in neither."""
    return frame[frame["status"] == "diverged"]


def subjects(
    context: Context,
    *roles: str,
    numeric_first: bool = False,
    named: Mapping[str, str] | None = None,
) -> Iterator[Subject]:
    """Yield one subject per combination of the levels that play no role in the figure.

    A role goes to the factor that the item (or `named`) names for it, else to the one left over
    that has most levels (`numeric_first`: to one on a numeric axis before all others). The option
    `only` keeps some levels of a factor: `{activation: [relu, tanh]}`.
    """
    study, item = context.study, context.item
    named = {**item.named(), **(named or {})}
    taken = [named[role] for role in roles if role in named]
    left = [factor for factor in study.factors if factor.name not in taken]
    left.sort(key=lambda factor: (numeric_first and factor.axis == "category", -len(factor.levels)))
    free = iter(left)
    assigned = {
        role: study.factor(named[role]) if role in named else next(free, None) for role in roles
    }
    others = [factor for factor in study.factors if factor not in assigned.values()]
    runs = shown_runs(context)
    for levels in itertools.product(*(factor.levels for factor in others)):
        fixed = {factor.name: level.name for factor, level in zip(others, levels, strict=True)}
        shown = runs
        for factor, level in fixed.items():
            shown = shown[shown[level_column(factor)] == level]
        if len(shown):
            name = "-".join([*_stem(item), *map(_file_name, fixed.values())])
            yield Subject(**vars(context), name=name, roles=assigned, fixed=fixed, runs=shown)


def shown_runs(context: Context) -> pd.DataFrame:
    """Return the runs that the item is about: without failed ones and what `only` leaves out."""
    runs = context.frames.runs
    runs = runs[runs["status"] != "failed"]
    for factor, kept in context.item.kept().items():
        runs = runs[runs[level_column(factor)].isin(kept)]
    return runs


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+]+", "_", text)


def _stem(item: Item) -> list[str]:
    """Return how an item's files are called: by its kind and, if it names one, its quantity."""
    asked = None
    if isinstance(item, OfQuantity):
        asked = item.metric or (f"probe-{item.probe}" if item.probe else None)
    return [item.kind, asked.replace("/", "_")] if asked else [item.kind]


def over_epochs(subject: Subject) -> pd.DataFrame:
    """Return the evaluations of a subject by their epochs, the one before training left out.

    Raises ReportError where none says its epoch, as those of the user's own procedure may not.
    """
    rows = subject.joined(subject.frames.epochs)
    rows = rows[rows["step"] > 0]
    if len(rows) and rows["epoch"].isna().all():
        raise ReportError("it is drawn over epochs, and no evaluation says its epoch.")
    return rows[rows["epoch"].notna()]


def at_step(frame: pd.DataFrame, step: str) -> pd.DataFrame:
    """Return the rows of each run's `first` or `last` probed step."""
    steps = frame.groupby(["cell", "replicate"])["step"]
    return frame[frame["step"] == steps.transform("max" if step == "last" else "min")]
