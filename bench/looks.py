"""Looks at growing data: the tables that are shipped, and what the rule costs and finds.

`python -m bench.looks` writes into docs/statistics.md how often claims err and are shown, and with how
many replicates; `--tables` writes `src/ablate/stats/looks.json` (some minutes and 2 GB of memory).
"""

import sys
from pathlib import Path

import numpy as np

from ablate.stats import looks as _looks
from ablate.stats.stopping import simulate_stops

TABLES = Path(_looks.__file__).with_name("looks.json")
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "statistics.md"
_BEGIN, _END = "<!-- until decided -->", "<!-- end until decided -->"
LOOKS = (6, 10, 15, 20)
_DRAWS = 40_000
_TRUE = (2.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0)


def table(looks: _looks.Looks = LOOKS, draws: int = _DRAWS) -> list[str]:
    """Return error, power, expected replicates and family error as a table in Markdown.

    Effects are in standard deviations of the pair differences; claims that are given up for want
    of hope are in the second row, those that end for an effect below 1 sd as well in the third.
    """
    lines = [
        "| looks | 0 sd: error, n | 0.5 sd: power, n | 1 sd | 2 sd | all of 7 null | "
        "of 4 true in 7 | n to all 4 | small, 0 sd: n | small, 1 sd |",
        "|" + " --- |" * 10,
    ]
    name = ", ".join(map(str, looks))
    for what, futility, smallest in (
        ("", False, None), ("; given up without hope", True, None),
        ("; and below 1 sd", True, 1.0),
    ):  # fmt: skip
        cells = [f"{name}{what}"]
        for size in (0.0, 0.5, 1.0, 2.0):
            one = simulate_stops(looks, [size], smallest, futility, draws)
            share = (one.shown | one.against) if size == 0 else one.shown
            cells.append(f"{_percent(share)}, {one.replicates.mean():.1f}")
        family = simulate_stops(looks, [0.0] * 7, smallest, futility, draws)
        cells.append(_percent((family.shown | family.against).any(axis=1)))
        mixed = simulate_stops(looks, _TRUE, smallest, futility, draws)
        true = mixed.shown[:, :4]
        cells.append(f"{true.sum(axis=1).mean():.2f}")
        cells.append(f"{mixed.replicates[:, :4].max(axis=1)[true.all(axis=1)].mean():.1f}")
        for size in (0.0, 1.0):
            one = simulate_stops(looks, [size], smallest, futility, draws)
            cells.append(f"{_percent(one.small)}, {one.replicates.mean():.1f}" if smallest else "–")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _percent(flags: np.ndarray) -> str:
    return f"{100 * flags.mean():.1f} %"


def main() -> None:
    if "--tables" in sys.argv[1:]:
        TABLES.write_text(_looks.tables(), encoding="utf-8")
    else:
        text = DOCUMENT.read_text(encoding="utf-8")
        before, rest = text.split(_BEGIN)
        after = rest.split(_END)[1]
        found = "\n".join(table())
        DOCUMENT.write_text(f"{before}{_BEGIN}\n{found}\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
