"""A printed table, and how it reads as Markdown and LaTeX; nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "°": r"$^\circ$", "×": r"$\times$", "–": "--", "−": "$-$", "·": r"$\cdot$",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One cell as it is printed.

    text   the number with its half-width, `n/c`, or `–`
    best   printed bold
    mark   `°` behind a number that is not shown worse than the best
    note   what stands behind in brackets: `2/5 n/c`
    hover  what the page shows under the pointer: the values by replicate
    cell   the folder of the runs behind it; empty for a published number
    """

    text: str
    best: bool = False
    mark: str = ""
    note: str = ""
    hover: str = ""
    cell: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.text, self.mark, _bracketed(self.note)) if part)


@dataclass(frozen=True)
class PrintedTable:
    """A table as it is printed.

    title     a phrase above it
    corner    what the rows are
    groups    headings over several columns each, with how many; empty for one column
    columns   what each column is called, unique
    footer    rows below the rule: a label and one text per column
    caption   sentences below it
    heads     what stands below the groups where `columns` would repeat them
    is_prose  its entries are sentences, which may break over lines
    name      the stem of its files, unique in a report: `table-1`; empty until it is numbered
    """

    title: str
    corner: str
    groups: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]
    footer: tuple[tuple[str, tuple[str, ...]], ...]
    caption: tuple[str, ...]
    heads: tuple[str, ...] = ()
    is_prose: bool = False
    name: str = ""

    @property
    def headings(self) -> tuple[str, ...]:
        """Return what stands above each column where the groups stand above that."""
        return self.heads or self.columns

    @property
    def number(self) -> str:
        """Return `1` for `table-1`."""
        return self.name.rpartition("-")[2]


def to_markdown(grid: PrintedTable) -> str:
    """Return the table as GitHub shows it, title and caption included."""
    lines = [f"**Table {grid.number}.** {plain(grid.title)}", ""]
    lines.append(_row([plain(grid.corner), *map(plain, grid.columns)]))
    lines.append(_row(["---"] * (len(grid.columns) + 1)))
    for label, entries in grid.rows:
        lines.append(_row([plain(label), *map(_markdown_entry, entries)]))
    for label, texts in grid.footer:
        lines.append(_row([f"*{plain(label)}*", *map(plain, texts)]))
    lines += ["", " ".join(plain(sentence) for sentence in grid.caption), ""]
    return "\n".join(lines)


def to_tex(grid: PrintedTable) -> str:
    """Return the table for a paper; it needs the package booktabs."""
    count = len(grid.columns)
    lines = [r"\begin{table}", r"  \centering"]
    lines.append(f"  \\caption{{{_tex(grid.title)} {_tex(' '.join(grid.caption))}}}")
    lines.append(f"  \\label{{tab:{grid.name}}}")
    lines += [f"  \\begin{{tabular}}{{l{'l' * count}}}", r"    \toprule"]
    if grid.groups:
        spans = [f"\\multicolumn{{{n}}}{{c}}{{{_tex(label)}}}" for label, n in grid.groups]
        lines.append(_tex_row(["", *spans]))
        ends = list(accumulate((n for _, n in grid.groups), initial=1))
        rules = [f"\\cmidrule(l){{{a + 1}-{b}}}" for a, b in pairwise(ends)]
        lines.append(f"    {' '.join(rules)}")
    lines.append(_tex_row([_tex(grid.corner), *map(_tex, grid.headings)]))
    lines.append(r"    \midrule")
    lines += [_tex_row([_tex(label), *map(_tex_entry, entries)]) for label, entries in grid.rows]
    if grid.footer:
        lines.append(r"    \midrule")
    lines += [_tex_row([_tex(label), *map(_tex, texts)]) for label, texts in grid.footer]
    lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""]
    return "\n".join(lines)


def _row(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _markdown_entry(entry: Entry) -> str:
    text = f"**{plain(entry.text)}**" if entry.best else plain(entry.text)
    return " ".join(part for part in (text, entry.mark, _bracketed(entry.note)) if part)


def plain(text: str) -> str:
    """Escape what Markdown would read as markup."""
    for mark in ("\\", "|", "*", "_", "<", "`"):
        text = text.replace(mark, "\\" + mark)
    return text


def _tex_row(texts: list[str]) -> str:
    return f"    {' & '.join(texts)} \\\\"


def _tex_entry(entry: Entry) -> str:
    text = f"\\textbf{{{_tex(entry.text)}}}" if entry.best else _tex(entry.text)
    note = f" {_tex(_bracketed(entry.note))}" if entry.note else ""
    return f"{text}{_tex(entry.mark)}{note}"


def _bracketed(note: str) -> str:
    return f"({note})" if note else ""


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)
