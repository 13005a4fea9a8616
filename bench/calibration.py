"""How often verdicts err: 2,000 synthetic studies per setting, into docs/statistics.md.

Every claim of a simulated study is false, or true at its very boundary, so that each verdict is
an error; the intervals are held against the true effect. `python -m bench.calibration` takes some
minutes on one core; `--studies 200` is a quick look that writes nothing.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ablate.report.verdicts import look_level
from ablate.stats import (
    ALPHA,
    Arm,
    Array,
    Evidence,
    Expect,
    compare_all,
    holm_levels,
    in_order,
    noise,
    pair_up,
    paired_effect,
    rate,
    sensitivity,
)

_LEVELS = 3
_SHARED = 0.5  # correlation between arms of one replicate
_EQUAL = 1.0  # margin of the claim of equality; the truth lies on it
TARGET = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"


@dataclass(frozen=True)
class Setting:
    """What a simulated study is like.

    noise       standard deviation of B's runs; A's is 1
    nc          probability that a run is n/c
    correlated  whether the worst runs are n/c, or any
    skewed      whether noise is a shifted exponential instead of normal
    looks       at growing replicates, up to n
    """

    replicates: int
    noise: float
    nc: float
    correlated: bool
    skewed: bool = False
    looks: int = 1


def arm(rng: np.random.Generator, s: Setting, means: Array, sd: float, shared: Array) -> Arm:
    """Return runs of one arm: (levels, replicates), some of them n/c."""
    shape = (len(means), s.replicates)
    own = rng.exponential(size=shape) - 1 if s.skewed else rng.standard_normal(shape)
    noise = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own
    not_converged = rng.random(shape) < s.nc
    if s.correlated and s.nc:
        not_converged = noise < _worst(s.skewed, s.nc)
    return Arm(np.where(not_converged, np.nan, means[:, None] + sd * noise), not_converged)


@functools.cache
def _worst(skewed: bool, share: float) -> float:
    """Return the noise below which the worst share of runs lies, from many draws."""
    rng = np.random.default_rng(1)
    shared, own = (
        rng.exponential(size=200_000) - 1 if skewed else rng.standard_normal(200_000)
        for _ in range(2)
    )
    return float(np.quantile(np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own, share))


def pair(rng: np.random.Generator, s: Setting, a: Array, b: Array) -> tuple[Arm, Arm]:
    """Return two arms over the same levels, replicates paired."""
    shape = (len(a), s.replicates)
    shared = rng.exponential(size=shape) - 1 if s.skewed else rng.standard_normal(shape)
    return arm(rng, s, a, 1.0, shared), arm(rng, s, b, s.noise, shared)


def effect(arms: tuple[Arm, Arm], expect: Expect, margin: float) -> Evidence:
    """Return the evidence of a claim that compares two arms."""
    return paired_effect(pair_up(*arms, "higher"), expect, margin)


def spread(arms: tuple[Arm, Arm]) -> Evidence:
    """Return the evidence of a claim on sensitivity, a level per row."""
    a, b = arms
    lost = a.not_converged_settings, b.not_converged_settings
    return sensitivity(a.values, b.values, *lost, "less")


def order(one: Arm) -> Evidence:
    """Return the evidence that every level is above the one before it."""
    rows = rows_of(one)
    return in_order([effect((b, a), "greater", 0.0) for a, b in itertools.pairwise(rows)])


def rows_of(one: Arm) -> list[Arm]:
    """Return the levels of an arm as arms of their own."""
    return [Arm(v[None], nc[None]) for v, nc in zip(one.values, one.not_converged, strict=True)]


def table(arms: tuple[Arm, Arm]) -> Evidence:
    """Return the strongest of what a table's column of four cells says, adjusted by Holm."""
    cells = [row for one in arms for row in rows_of(one)[:2]]
    strongest = min(compare_all(cells, "higher"), key=lambda pair: pair.p_adjusted or 1.0)
    p = strongest.p_adjusted or 1.0
    return replace(strongest.test.evidence, p_supported=p, p_refuted=1.0)


def study(rng: np.random.Generator, s: Setting) -> dict[str, Evidence]:
    """Return the evidence of a whole study of claims that are false, or true at their boundary."""
    same = np.zeros(_LEVELS)
    main = pair(rng, s, same, same)
    one = pair(rng, s, np.zeros(1), np.zeros(1))
    edge = pair(rng, s, np.zeros(1), np.full(1, _EQUAL))
    slope = np.arange(_LEVELS, dtype=float)
    claims = {
        "effect, mean over levels": effect(main, "greater", 0.0),
        "effect at one level": effect(one, "less", 0.0),
        "equality at its margin": effect(edge, "equal", _EQUAL),
        "spread": spread(pair(rng, s, slope, slope)),
        "order": order(main[0]),
        "table": table(main),
    }
    if not s.nc:  # with a run n/c standard deviations are not compared
        even = pair(rng, replace(s, noise=1.0), same, same)
        claims["noise"] = noise(even[0].values, even[1].values, "less", 0.0)
    if s.nc:
        a = main[0]
        claims["convergence at its rate"] = rate(int(a.converged.sum()), a.values.size, 1 - s.nc)
    return claims


def errors(s: Setting, studies: int, seed: int) -> dict[str, float]:
    """Return the share of studies with a wrong verdict, by kind of claim alone and for the family.

    `coverage` is that of the 95 % intervals of single effects. A table is a family of its own: it
    errs where it tells any two of its cells apart.
    """
    rng = np.random.default_rng(seed)
    wrong: dict[str, int] = {}
    covered, intervals = 0, 0
    truth = _given_convergence(s)
    for _ in range(studies):
        claims = study(rng, s)
        marks = claims.pop("table")
        for name, evidence in {**claims, "table": marks}.items():
            wrong[name] = wrong.get(name, 0) + (evidence.p <= ALPHA)
        levels = holm_levels([e.p for e in claims.values()], ALPHA)
        family = any(e.p <= level for e, level in zip(claims.values(), levels, strict=True))
        wrong["family"] = wrong.get("family", 0) + family
        single = claims["effect at one level"]
        if single.interval is not None:
            low, high = single.interval(ALPHA)
            covered += low <= truth <= high
            intervals += 1
    shares = {name: count / studies for name, count in wrong.items()}
    return shares | {"coverage": covered / intervals if intervals else float("nan")}


def _given_convergence(s: Setting) -> float:
    """Return the true A - B of pairs that both converged, where the worst runs are lost."""
    if not (s.correlated and s.nc):
        return 0.0
    many = Setting(400_000, s.noise, s.nc, True, s.skewed)
    a, b = pair(np.random.default_rng(2), many, np.zeros(1), np.zeros(1))
    both = a.converged & b.converged
    return float((a.values - b.values)[both].mean())


def looks_error(s: Setting, studies: int, seed: int) -> float:
    """Return the share of studies in which any of several looks gives a wrong verdict."""
    rng = np.random.default_rng(seed)
    wrong = 0
    stops = np.linspace(6, s.replicates, s.looks).round().astype(int)
    for _ in range(studies):
        a, b = pair(rng, s, np.zeros(1), np.zeros(1))
        found = (effect((_first(a, n), _first(b, n)), "greater", 0.0) for n in stops)
        wrong += any(e.p <= look_level(k) for k, e in enumerate(found, start=1))
    return wrong / studies


def _first(one: Arm, n: int) -> Arm:
    return Arm(one.values[:, :n], one.not_converged[:, :n])


def power(s: Setting, size: float, studies: int, seed: int) -> dict[str, float]:
    """Return how often true claims are supported: an effect, an equality, a smaller spread."""
    rng = np.random.default_rng(seed)
    found = {"effect": 0, "equality": 0, "spread": 0}
    slope = np.arange(_LEVELS, dtype=float)
    for _ in range(studies):
        nothing = np.zeros(1)
        claims = {
            "effect": effect(pair(rng, s, np.full(1, size), nothing), "greater", 0.0),
            "equality": effect(pair(rng, s, nothing, nothing), "equal", size),
            "spread": spread(pair(rng, s, 0 * slope, size * slope)),
        }
        for name, evidence in claims.items():
            found[name] += evidence.p_supported <= ALPHA
    return {name: count / studies for name, count in found.items()}


def settings() -> Iterator[Setting]:
    """Yield every setting of the main table."""
    for n, sd, nc in itertools.product((6, 10), (1.0, 3.0), (0.0, 0.05, 0.2, 0.5)):
        for correlated in (False, True) if nc else (False,):
            yield Setting(n, sd, nc, correlated)
    for n in (6, 10):
        yield Setting(n, 1.0, 0.0, correlated=False, skewed=True)
        yield Setting(n, 3.0, 0.0, correlated=False, skewed=True)


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def _error_table(studies: int) -> list[str]:
    names = [
        "family", "effect, mean over levels", "effect at one level", "equality at its margin",
        "spread", "order", "convergence at its rate", "noise", "coverage", "table",
    ]  # fmt: skip
    rows = [
        "| n | noise of B | n/c | which runs are n/c | distribution | " + " | ".join(names) + " |",
        "|" + " --- |" * (5 + len(names)),
    ]
    for number, s in enumerate(settings()):
        found = errors(s, studies, seed=number)
        which = "–" if not s.nc else "the worst" if s.correlated else "any"
        kind = "skewed" if s.skewed else "normal"
        shown = " | ".join(_percent(found.get(name, float("nan"))) for name in names)
        setting = f"| {s.replicates} | {s.noise:g} × A | {s.nc:.0%} | {which} | {kind}"
        rows.append(f"{setting} | {shown} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _looks_table(studies: int) -> list[str]:
    rows = ["| looks | n at the last | wrong verdicts (%) |", "| --- | --- | --- |"]
    for looks in (1, 3, 5):
        s = Setting(20 if looks > 1 else 6, 1.0, 0.0, correlated=False, looks=looks)
        rows.append(f"| {looks} | {s.replicates} | {_percent(looks_error(s, studies, 77))} |")
    return rows


def _power_table(studies: int) -> list[str]:
    rows = ["| n | size | n/c | effect | equality within it | spread |", "|" + " --- |" * 6]
    for n, size, nc in itertools.product((6, 10, 20), (1.0, 2.0), (0.0, 0.2)):
        found = power(Setting(n, 1.0, nc, correlated=False), size, studies // 2, 5)
        shown = " | ".join(_percent(found[name]) for name in ("effect", "equality", "spread"))
        rows.append(f"| {n} | {size:g} sd | {nc:.0%} | {shown} |")
    return rows


_TABLES: dict[str, Callable[[int], list[str]]] = {
    "errors": _error_table,
    "looks": _looks_table,
    "power": _power_table,
}


def main() -> None:
    """Simulate, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--tables", nargs="+", choices=_TABLES, default=list(_TABLES))
    options = parser.parse_args()
    tables = {name: _TABLES[name](options.studies) for name in options.tables}
    print("\n".join(row for rows in tables.values() for row in rows))
    if options.studies >= 2000:
        text = TARGET.read_text(encoding="utf-8")
        for name, rows in tables.items():
            before, _, rest = text.partition(f"<!-- {name} -->\n")
            _, _, after = rest.partition(f"<!-- end {name} -->")
            text = f"{before}<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- end {name} -->{after}"
        TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
