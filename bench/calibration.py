"""How often verdicts err: 2,000 synthetic studies a number, into docs/statistics.md.

Every claim of a simulated study is false, or true at its very boundary, so that each verdict is
an error; the intervals are held against the true effect. `python -m bench.calibration` takes ten
minutes on one core; `--studies 200` is a quick look that writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .calibration_claims import Family, errors, family_errors, rate_errors
from .calibration_examples import example_errors
from .calibration_power import Truth, power, said
from .calibration_runs import DEPTH, EXAMPLES, Scenario

TARGET = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
REPLICATES = (6, 10, 20)
#: Beyond which a number is printed bold: wrong verdicts, and intervals that hold.
MOST_WRONG, LEAST_HELD = 0.06, 0.93
KINDS = (
    "family", "effect at one level", "mean over levels", "equality", "spread", "order", "rate",
    "noise", "table",
)  # fmt: skip

_STUCK = f"10 % of runs stuck {DEPTH:g} sd below"
_ACCURACY = f"accuracies on {EXAMPLES} examples"
SCENARIOS = (
    Scenario("normal"),
    Scenario("normal, r = 0.9", shared=0.9),
    Scenario("B has 3 times the noise", noise=3.0),
    Scenario("B has 5 times the noise, r = 0", noise=5.0, shared=0.0),
    Scenario("t with 3 degrees of freedom, r = 0", "t3", shared=0.0),
    Scenario("the same, B 5 times", "t3", shared=0.0, noise=5.0),
    Scenario("skewed (exponential)", "skewed"),
    Scenario("skewed, B 5 times, r = 0", "skewed", shared=0.0, noise=5.0),
    Scenario(f"{_STUCK}, r = 0", "stuck", shared=0.0),
    Scenario("the same, B 5 times as noisy and deep", "stuck", shared=0.0, noise=5.0),
    Scenario(_ACCURACY, test="new"),
    Scenario("the same, one test set, claims on any test set", test="one"),
    Scenario("5 % n/c, any", lost=(0.05, 0.05)),
    Scenario("20 % n/c, any", lost=(0.2, 0.2)),
    Scenario("50 % n/c, any", lost=(0.5, 0.5)),
    Scenario("20 % n/c, any, B 3 times the noise", noise=3.0, lost=(0.2, 0.2)),
    Scenario("the worst 5 % n/c", lost=(0.05, 0.05), which="worst"),
    Scenario("the worst 20 % n/c", lost=(0.2, 0.2), which="worst"),
    Scenario("the worst 50 % n/c", lost=(0.5, 0.5), which="worst"),
    Scenario("20 % n/c, together (r = 0.9) in a replicate", lost=(0.2, 0.2), which="together"),
    Scenario("50 % n/c, together (r = 0.9) in a replicate", lost=(0.5, 0.5), which="together"),
)
FAMILIES = (
    Family("ten false claims", (0.0,) * 10),
    Family("five true at 1 sd, five false", (1.0,) * 5 + (0.0,) * 5),
    Family("ten true, 2 to 11 sd", tuple(range(2, 12))),
    Family("ten equalities at their margin", (1.0,) * 10, equal=True),
)
_LOSSES = {"0 %": 0.0, "5 %": 0.05, "20 %": 0.2}
_ANY = Scenario("20 %, any", lost=(0.2, 0.2))
_NONE = Scenario("none")
TRUTHS = (
    Truth("effect", 1.0, _NONE),
    Truth("effect", 2.0, _NONE),
    Truth("effect", 2.0, Scenario("5 %, any", lost=(0.05, 0.05))),
    Truth("effect", 1.0, _ANY),
    Truth("effect", 2.0, _ANY),
    Truth("effect", 2.0, Scenario("the worst 20 %", lost=(0.2, 0.2), which="worst")),
    Truth("effect", 1.0, Scenario("20 % of B, none of A", lost=(0.0, 0.2))),
    Truth("mean over levels", 1.0, _NONE),
    Truth("mean over levels", 1.0, _ANY),
    Truth("equality", 1.0, _NONE),
    Truth("equality", 2.0, _NONE),
    Truth("equality", 2.0, _ANY),
    Truth("spread", 1.0, _NONE),
    Truth("spread", 2.0, _NONE),
    Truth("spread", 2.0, _ANY),
)
_UNEVEN = Scenario("5 % of A, 30 % of B", lost=(0.05, 0.3))
OUTCOMES = (
    ("20 % of each", Scenario("", lost=(0.2, 0.2)), 0.0),
    (_UNEVEN.name, _UNEVEN, 0.0),
    (f"{_UNEVEN.name}; A's better by 1 sd", _UNEVEN, 1.0),
    (f"{_UNEVEN.name}; B's better by 1 sd", _UNEVEN, -1.0),
)


def error_table(studies: int) -> Iterator[list[str]]:
    """Yield the rows of the main table."""
    yield ["scenario", *KINDS, "one interval", "all intervals", "warned", "unwarned"]
    for number, scenario in enumerate(SCENARIOS):
        found = [errors(scenario, n, studies, seed=100 * number + n) for n in REPLICATES]
        yield [
            scenario.name,
            *(wrong_cell([one.wrong.get(kind) for one in found]) for kind in KINDS),
            held_cell([one.one for one in found]),
            held_cell([one.all for one in found]),
            cell([one.warned for one in found]),
            wrong_cell([one.unwarned for one in found]),
        ]


def rate_table(studies: int) -> Iterator[list[str]]:
    """Yield rows on rates over three cells, whose runs are n/c together or not."""
    yield ["runs that converge", "correlation", "all runs of a replicate", "each setting"]
    for rate in (0.5, 0.8, 0.9):
        for correlation in (0.0, 0.5, 0.9):
            found = [rate_errors(1 - rate, correlation, n, studies, n) for n in REPLICATES]
            shown = [wrong_cell(list(one)) for one in zip(*found, strict=True)]
            yield [f"{rate:.0%}", f"{correlation:g}", *shown]


def family_table(studies: int) -> Iterator[list[str]]:
    """Yield rows on families of ten claims."""
    yield ["ten claims", "family", "all intervals"]
    for family in FAMILIES:
        found = [family_errors(family, n, studies, seed=n) for n in REPLICATES]
        wrong, held = zip(*found, strict=True)
        yield [family.name, wrong_cell(wrong), held_cell(held)]


def example_table(studies: int) -> Iterator[list[str]]:
    """Yield rows on accuracies of one test set, of which more is claimed."""
    yield ["for other", "equality", "95 % interval"]
    found = [example_errors(n, studies, seed=n) for n in REPLICATES]
    for name, of in (("replicates", ""), ("replicates and test examples", "_other")):
        wrong = [getattr(one, f"wrong{of}") for one in found]
        held = [getattr(one, f"held{of}") for one in found]
        yield [name, wrong_cell(wrong), held_cell(held)]


def power_table(studies: int) -> Iterator[list[str]]:
    """Yield rows on how often what is true is shown."""
    yield ["claim", "n/c", "at 5 %", "at 5 %/7"]
    for truth in TRUTHS:
        found = [power(truth, n, studies, seed=n) for n in (6, 8, 10, 20)]
        shown = [cell(list(one), 0) for one in zip(*found, strict=True)]
        of = "within" if truth.kind == "equality" else "of"
        yield [f"{truth.kind} {of} {truth.size:g} sd", truth.scenario.name, *shown]


def outcome_table(studies: int) -> Iterator[list[str]]:
    """Yield rows on what is said of a difference where runs are n/c."""
    yield ["n/c", "for A", "for B", "by n/c alone", "the parts disagree"]
    for name, scenario, difference in OUTCOMES:
        found = [said(scenario, difference, n, studies, seed=n) for n in REPLICATES]
        fields = ([getattr(one, key) for one in found] for key in ("a", "b", "alone", "disagree"))
        yield [name, *(cell(one) for one in fields)]


def wrong_cell(shares: Sequence[float | None]) -> str:
    """Return shares of wrong verdicts, those above 6 % bold; a dash where there is none."""
    return cell(shares, bold=lambda share: share > MOST_WRONG)


def held_cell(shares: Sequence[float]) -> str:
    """Return shares of intervals that hold, those under 93 % bold."""
    return cell(shares, bold=lambda share: share < LEAST_HELD)


def cell(
    shares: Sequence[float | None],
    digits: int = 1,
    bold: Callable[[float], bool] = lambda share: False,
) -> str:
    """Return shares in percent, a number of replicates each."""
    known = [share for share in shares if share is not None]
    if not known:
        return "–"
    texts = ((f"{100 * share:.{digits}f}", bold(share)) for share in known)
    return " / ".join(f"**{text}**" if is_bold else text for text, is_bold in texts)


TABLES: dict[str, Callable[[int], Iterator[list[str]]]] = {
    "errors": error_table,
    "rates": rate_table,
    "families": family_table,
    "examples": example_table,
    "outcomes": outcome_table,
    "power": power_table,
}


def written(rows: Iterator[list[str]]) -> str:
    """Return rows, the first of them the head, as a table of Markdown."""
    lines = []
    for row in rows:
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
        if len(lines) == 1:
            lines.append("|" + " --- |" * len(row))
    return "\n".join(lines)


def main() -> None:
    """Simulate, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    options = parser.parse_args()
    for name in options.tables:
        table = written(TABLES[name](options.studies))
        if options.studies >= 2000:
            text = TARGET.read_text(encoding="utf-8")
            before, _, rest = text.partition(f"<!-- {name} -->\n")
            _, _, after = rest.partition(f"<!-- end {name} -->")
            text = f"{before}<!-- {name} -->\n{table}\n<!-- end {name} -->{after}"
            TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
