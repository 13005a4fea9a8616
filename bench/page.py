"""The measured tables as Markdown, put between two marks of `bench/README.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .first_result import Row as First
from .growth import Growth, Workers
from .stacks import Row as Stack
from .sweeps import OURS, Case
from .sweeps import Row as Sweep
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


def sweeps_table(measured: Sequence[tuple[Case, Sequence[Sweep]]]) -> str:
    """Return whole sweeps, a block per case."""
    lines = ["### Whole sweeps", ""]
    lines += ["| | runs | seconds | s a run × ablate |", "|---|---:|---:|---:|"]
    for case, rows in measured:
        fresh = ", peers in a process per run" if case.fresh else ""
        epochs = "1 epoch" if case.epochs == 1 else f"{case.epochs} epochs"
        lines.append(f"| **{case.net.title}**, {epochs} of {case.train_size:,}{fresh} | | | |")
        for row in rows:
            ratio = "1" if row.name == OURS else f"**{_spread(row.ratio, '.2f')}**"
            lines.append(f"| {row.name} | {row.runs} | {_spread(row.seconds, '.1f')} | {ratio} |")
    return "\n".join(lines) + "\n"


def stacks_table(rows: Sequence[Stack]) -> str:
    """Return steps of training beside JAX and their products, alone and in stacks."""
    lines = [
        "### Steps, alone and in stacks",
        "",
        "Milliseconds of a step, per network; products by who multiplies, of which the share takes "
        "the fastest in that precision.",
        "",
        "| network | precision | stack | step | JAX, same precision | step / JAX fp32 "
        "| products alone | products / step | speed × alone, fp32 |",
        "|---|---|---:|---:|---:|---:|---|---:|---:|",
    ]
    for row in rows:
        products = ", ".join(f"{how} {took.median:.2f}" for how, took in row.products.items())
        jax = "" if row.jax is None else _spread(row.jax, ".2f")
        of_jax = "" if row.of_jax is None else f"**{_spread(row.of_jax, '.2f')}**"
        lines.append(
            f"| {row.case.net.title} | {row.case.precision} | {row.case.stack} "
            f"| {_spread(row.step, '.2f')} | {jax} | {of_jax} | {products} "
            f"| {_percent(row.share)} | {_spread(row.speed, '.2f')} |"
        )
    return "\n".join(lines) + "\n"


def first_table(rows: Sequence[First]) -> str:
    """Return how long the first result takes."""
    lines = ["### First result", "", "| | seconds | × the imports |", "|---|---:|---:|"]
    for row in rows:
        lines.append(
            f"| {row.name} | {_spread(row.seconds, '.1f')} | **{_spread(row.ratio, '.2f')}** |"
        )
    return "\n".join(lines) + "\n"


def growth_table(rows: Sequence[Growth]) -> str:
    """Return what a sweep costs beside its training."""
    lines = [
        "### Around training",
        "",
        "| levels × replicates | runs | seconds | a run | beside training "
        "| beside training, a run | memory (MiB, PSS) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.title} | {row.runs:,} | {row.seconds:.1f} | {row.seconds / row.runs:.3f} "
            f"| **{row.around:.0%}** | {row.around_per_run:.3f} | {row.memory:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def workers_table(found: Workers) -> str:
    """Return what a second worker gives and takes."""
    return "\n".join(
        [
            "### A second worker",
            "",
            "| | |",
            "|---|---:|",
            f"| training, × one worker | **{_spread(found.speed, '.2f')}** (≥ 1.8) |",
            f"| matrix products alone, × one process | {_spread(found.products, '.2f')} |",
            f"| memory it adds (MiB, PSS) | **{_spread(found.memory, '.0f')}** (≤ 350) |",
            "",
        ]
    )


def _spread(value: Spread, form: str) -> str:
    return f"{value.median:{form}} ({value.low:{form}} to {value.high:{form}})"


def _percent(value: Spread) -> str:
    return f"{value.median:.0%} ({100 * value.low:.0f} to {value.high:.0%})"
