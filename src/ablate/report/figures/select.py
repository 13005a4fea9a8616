"""From a study and its frames to what one figure shows: roles of factors, rows, captions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate.data import SOURCES
from ablate.report.context import Context
from ablate.report.figures.canvas import Cue, Legend, level_handle
from ablate.report.figures.style import NO_LEVEL, Look, looks
from ablate.study.items import OfSettings
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

    def ink(self, role: str, level: Level) -> Look:
        """Return how a level of a role is drawn: in neutral ink where no factor has the role."""
        factor = self.roles[role]
        return looks(self.study)[factor.name, level.name] if factor else NO_LEVEL

    def legend(self, role: str, cue: Cue, names: Mapping[str, str] | None = None) -> Legend | None:
        """Return the legend of a role's levels, None where no factor has the role.

        names  what the levels are called, by level, where not as in the study; only they are shown
        """
        factor = self.roles[role]
        if factor is None:
            return None
        names = {level.name: level.name for level in self.levels(role)} if names is None else names
        shown = [level for level in self.levels(role) if level.name in names]
        handles = [level_handle(self.ink(role, lv), names[lv.name], cue) for lv in shown]
        return Legend(factor.label, handles)

    def levels(self, role: str) -> list[Level]:
        """Return the levels of a role's factor that have runs, in the study's order."""
        factor = self.roles[role]
        if factor is None:
            return [Level(name="", overrides={})]
        present = set(self.runs[column(factor)])
        return [level for level in factor.levels if level.name in present]

    def where(self, frame: pd.DataFrame, **levels: Level) -> pd.DataFrame:
        """Return the rows of a joined frame at one level per role."""
        for role, level in levels.items():
            factor = self.roles[role]
            if factor is not None:
                frame = frame[frame[column(factor)] == level.name]
        return frame

    def joined(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `frame` that belong to this subject, with status and levels."""
        keys = ["cell", "replicate"]
        factors = [column(factor) for factor in self.study.factors]
        return frame.merge(self.runs[[*keys, "status", *factors]], on=keys, how="inner")

    def setting(self, key: str, levels: Mapping[str, Level]) -> Any:
        """Return what the study file says for a dotted key at one level per role, else None."""
        value = self.study.baseline.get(key)
        for factor, name in self.fixed.items():
            by_name = {level.name: level for level in self.study.factor(factor).levels}
            value = by_name[name].overrides.get(key, value)
        for level in levels.values():
            value = level.overrides.get(key, value)
        return value

    def caption(self, what: str, spread: str = "", with_data: bool = True) -> str:
        """Return a caption: what is shown, at which levels, of how many runs, what bands are."""
        at = ", ".join(f"{self.study.factor(f).label} = {name}" for f, name in self.fixed.items())
        counts = self.runs.groupby("cell").size()
        low, high = int(counts.min()), int(counts.max())
        n = f"{high}" if low == high else f"{low} to {high}"
        plural = "" if n == "1" else "s"
        count = len(not_converged(self.runs))
        converged = f"; {count} of {len(self.runs)} runs did not converge (n/c)" if count else ""
        data = self._data() if with_data else ""
        first = f"{what}{f' ({at})' if at else ''}{data}, {n} replicate{plural} per cell"
        return f"{first}{converged}. {spread}".strip()

    def _data(self) -> str:
        names = [self.study.baseline.get("data")]
        for factor in self.study.factors:
            fixed = self.fixed.get(factor.name)
            levels = [level for level in factor.levels if fixed in (None, level.name)]
            chosen = [level.overrides.get("data") for level in levels]
            names = [name for name in chosen if name is not None] + (
                names if None in chosen else []
            )
        shown = sorted({DATA_NAMES.get(name, name) for name in names if isinstance(name, str)})
        return f", {' and '.join(shown)}" if shown else ""


def column(factor: Factor) -> str:
    """Return the name of a factor's column in the frames."""
    return f"factor:{factor.name}"


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
    study = context.study
    named = {**context.item.named(), **(named or {})}
    named = {role: name for role, name in named.items() if role in roles}
    left = [factor for factor in study.factors if factor.name not in named.values()]
    left.sort(key=lambda f: (numeric_first and f.axis == "category", -len(f.levels)))
    assigned: dict[str, Factor | None] = {}
    for role in roles:
        assigned[role] = study.factor(named[role]) if role in named else next(iter(left), None)
        left = [factor for factor in left if factor is not assigned[role]]
    others = [factor for factor in study.factors if factor in left]
    only = context.item.only if isinstance(context.item, OfSettings) else {}
    for levels in itertools.product(*(factor.levels for factor in others)):
        fixed = {f.name: level.name for f, level in zip(others, levels, strict=True)}
        if any(fixed.get(name) not in (None, *kept) for name, kept in only.items()):
            continue
        runs = context.frames.runs
        runs = runs[runs["status"] != "failed"]
        for factor, level in fixed.items():
            runs = runs[runs[column(study.factor(factor))] == level]
        for factor, kept in only.items():
            runs = runs[runs[column(study.factor(factor))].isin(kept)]
        if len(runs):
            name = "-".join([context.item.kind, *map(_file_name, fixed.values())])
            yield Subject(**vars(context), name=name, roles=assigned, fixed=fixed, runs=runs)


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+]+", "_", text)


def at_step(frame: pd.DataFrame, step: str) -> pd.DataFrame:
    """Return the rows of each run's `first` or `last` probed step."""
    steps = frame.groupby(["cell", "replicate"])["step"]
    return frame[frame["step"] == steps.transform("max" if step == "last" else "min")]
