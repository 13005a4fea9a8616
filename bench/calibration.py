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
import numpy.typing as npt

from ablate.report.claim_evidence import differences
from ablate.report.claims import look_level
from ablate.report.run_arrays import Arm
from ablate.stats import (
    ALPHA,
    Evidence,
    adjusted_levels,
    in_order,
    noise,
    paired_effect,
    rate,
    sensitivity,
)

Array = npt.NDArray[np.float64]

_LEVELS = 3
_SHARED = 0.5  # correlation between arms of one replicate
_EQUAL = 1.0  # margin of the claim of equality; the truth lies on it
TARGET = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"


@dataclass(frozen=True)
class Setting:
    """What a simulated study is like.

    noise       standard deviation of B's runs; A's is 1
    lost        probability that a run is n/c
    correlated  whether the worst runs are lost, or any
    skewed      whether noise is a shifted exponential instead of normal
    looks       at growing replicates, up to n
    """

    replicates: int
    noise: float
    lost: float
    correlated: bool
    skewed: bool = False
    looks: int = 1


def arm(rng: np.random.Generator, s: Setting, means: Array, sd: float, shared: Array) -> Arm:
    """Return runs of one arm: (levels, replicates), some of them lost."""
    shape = (len(means), s.replicates)
    own = rng.exponential(size=shape) - 1 if s.skewed else rng.standard_normal(shape)
    noise = np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own
    lost = rng.random(shape) < s.lost
    if s.correlated:
        lost = (
            noise < np.quantile(_reference(s.skewed), s.lost) if s.lost else np.zeros(shape, bool)
        )
    values = np.where(lost, np.nan, means[:, None] + sd * noise)
    return Arm((), values, lost, np.zeros(shape, dtype=bool))


@functools.cache
def _reference(skewed: bool) -> Array:
    """Return many draws of a run's noise, to lose the worst share of it."""
    rng = np.random.default_rng(1)
    shared, own = (
        rng.exponential(size=200_000) - 1 if skewed else rng.standard_normal(200_000)
        for _ in range(2)
    )
    return np.asarray(np.sqrt(_SHARED) * shared + np.sqrt(1 - _SHARED) * own)


def pair(rng: np.random.Generator, s: Setting, a: Array, b: Array) -> tuple[Arm, Arm]:
    """Return two arms over the same levels, replicates paired."""
    shape = (len(a), s.replicates)
    shared = rng.exponential(size=shape) - 1 if s.skewed else rng.standard_normal(shape)
    return arm(rng, s, a, 1.0, shared), arm(rng, s, b, s.noise, shared)


def effect(arms: tuple[Arm, Arm], expect: str, margin: float) -> Evidence:
    """Return the evidence of a claim that compares two arms."""
    found = differences(*arms, higher=True)
    return paired_effect(*found[:3], expect, margin, found[3])  # type: ignore[arg-type]


def spread(arms: tuple[Arm, Arm]) -> Evidence:
    """Return the evidence of a claim on sensitivity, a level per row."""
    a, b = arms
    return sensitivity(a.values, b.values, a.losses, b.losses, "less")


def order(one: Arm) -> Evidence:
    """Return the evidence that every level is above the one before it."""
    rows = [Arm((), one.values[i : i + 1], one.lost[i : i + 1], one.missing[i : i + 1])
            for i in range(len(one.values))]  # fmt: skip
    return in_order([effect((b, a), "greater", 0.0) for a, b in itertools.pairwise(rows)])


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
    }
    if not s.lost:  # with a run lost standard deviations are not compared
        even = pair(rng, replace(s, noise=1.0), same, same)
        claims["noise"] = noise(even[0].values, even[1].values, "less", 0.0)
    if s.lost:
        a = main[0]
        claims["convergence at its rate"] = rate(int((~a.lost).sum()), a.lost.size, 1 - s.lost)
    return claims


def errors(s: Setting, studies: int, seed: int) -> dict[str, float]:
    """Return the share of studies with a wrong verdict, by kind of claim alone and for the family.

    `coverage` is that of the 95 % intervals of single effects.
    """
    rng = np.random.default_rng(seed)
    wrong: dict[str, int] = {}
    covered, intervals = 0, 0
    truth = _given_convergence(s)
    for _ in range(studies):
        claims = study(rng, s)
        for name, evidence in claims.items():
            wrong[name] = wrong.get(name, 0) + (evidence.p <= ALPHA)
        levels = adjusted_levels([e.p for e in claims.values()], ALPHA)
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
    if not (s.correlated and s.lost):
        return 0.0
    many = Setting(400_000, s.noise, s.lost, True, s.skewed)
    a, b = pair(np.random.default_rng(2), many, np.zeros(1), np.zeros(1))
    both = ~a.lost & ~b.lost
    return float((a.values - b.values)[both].mean())


def looks_error(s: Setting, studies: int, seed: int) -> float:
    """Return the share of studies in which any of several looks gives a wrong verdict."""
    rng = np.random.default_rng(seed)
    wrong = 0
    stops = np.linspace(6, s.replicates, s.looks).round().astype(int)
    for _ in range(studies):
        a, b = pair(rng, s, np.zeros(1), np.zeros(1))
        found = (
            effect(tuple(Arm((), x.values[:, :n], x.lost[:, :n], x.missing[:, :n])  # type: ignore[arg-type]
                         for x in (a, b)), "greater", 0.0)
            for n in stops
        )  # fmt: skip
        wrong += any(e.p <= look_level(k) for k, e in enumerate(found, start=1))
    return wrong / studies


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
    for n, sd, lost in itertools.product((6, 10), (1.0, 3.0), (0.0, 0.05, 0.2, 0.5)):
        for correlated in (False, True) if lost else (False,):
            yield Setting(n, sd, lost, correlated)
    for n in (6, 10):
        yield Setting(n, 1.0, 0.0, correlated=False, skewed=True)
        yield Setting(n, 3.0, 0.0, correlated=False, skewed=True)


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.1f}"


def _error_table(studies: int) -> list[str]:
    names = [
        "family", "effect, mean over levels", "effect at one level", "equality at its margin",
        "spread", "order", "convergence at its rate", "noise", "coverage",
    ]  # fmt: skip
    rows = [
        "| n | noise of B | n/c | which runs are lost | distribution | " + " | ".join(names) + " |",
        "|" + " --- |" * (5 + len(names)),
    ]
    for number, s in enumerate(settings()):
        found = errors(s, studies, seed=number)
        which = "–" if not s.lost else "the worst" if s.correlated else "any"
        kind = "skewed" if s.skewed else "normal"
        shown = " | ".join(_percent(found.get(name, float("nan"))) for name in names)
        setting = f"| {s.replicates} | {s.noise:g} × A | {s.lost:.0%} | {which} | {kind}"
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
    for n, size, lost in itertools.product((6, 10, 20), (1.0, 2.0), (0.0, 0.2)):
        found = power(Setting(n, 1.0, lost, correlated=False), size, studies // 2, 5)
        shown = " | ".join(_percent(found[name]) for name in ("effect", "equality", "spread"))
        rows.append(f"| {n} | {size:g} sd | {lost:.0%} | {shown} |")
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
