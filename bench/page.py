"""The measured tables as Markdown, put between two marks of `bench/README.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .efficiency import Efficiency
from .epoch import Epoch
from .timing import Spread

BEGIN = "<!-- begin: written by make bench -->"
END = "<!-- end: written by make bench -->"


def write(path: Path, text: str) -> None:
    """Replace what stands between the marks; raises ValueError where a mark is missing."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} lacks the line '{END if begin else BEGIN}'")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def tables(where: str, efficiency: Sequence[Efficiency], epochs: Sequence[Epoch]) -> str:
    """Return both tables; `where` names machine, versions and rounds."""
    lines = [
        where,
        "",
        "### Arithmetic efficiency",
        "",
        "| network | stack | MFLOP a step | step (ms) | its products alone (ms) "
        "| products / step | target |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in efficiency:
        lines.append(
            f"| {row.case.network} | {row.case.stack} | {row.flop / 1e6:.0f} "
            f"| {_spread(row.step, '.2f')} | {_spread(row.products, '.2f')} "
            f"| **{_percent(row.share)}** | {_target(row.case.target, '≥ {:.0%}')} |"
        )
    lines += [
        "",
        "### One epoch",
        "",
        "| | seconds | × ablate, one network | validation accuracy (%) | target |",
        "|---|---:|---:|---:|---:|",
    ]
    for epoch in epochs:
        lines.append(
            f"| {epoch.name} | {_spread(epoch.seconds, '.2f')} "
            f"| **{_spread(epoch.ratio, '.2f')}** | {100 * epoch.accuracy:.1f} "
            f"| {_target(epoch.target, '≥ {:g}')} |"
        )
    return "\n".join(lines) + "\n"


def _spread(value: Spread, form: str) -> str:
    return f"{value.median:{form}} ({value.low:{form}} to {value.high:{form}})"


def _percent(value: Spread) -> str:
    return f"{value.median:.0%} ({100 * value.low:.0f} to {value.high:.0%})"


def _target(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
