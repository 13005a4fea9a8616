"""A printed table, and how it reads as Markdown and LaTeX; nothing here computes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

#: What Markdown and LaTeX would read as markup, and how it is written instead.
_MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\|*_<`"})
#: In the fonts of plain pdflatex `<` is another sign, and a bracket or star that begins a row would
#: belong to the end of the row before it.
_TEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "[": "{[}", "]": "{]}", "*": "{*}", '"': "''",
    "±": r"$\pm$", "°": r"$^\circ$", "×": r"$\times$", "–": "--", "−": "$-$", "·": r"$\cdot$",
    "⟨": r"$\langle$", "⟩": r"$\rangle$", "<": "$<$", ">": "$>$", "|": "$|$", "…": r"\dots{}",
    "≤": r"$\le$", "≥": r"$\ge$", "→": r"$\to$", "≈": r"$\approx$", "∞": r"$\infty$",
    **{sign: f"$^{{{plain}}}$" for sign, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
    **{sign: f"$\\{name}$" for sign, name in {
        "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "η": "eta",
        "θ": "theta", "λ": "lambda", "μ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
        "φ": "phi", "ω": "omega",
    }.items()},
})  # fmt: skip


#: Longer texts of a table of sentences are broken over lines.
_SHORT = 14


@dataclass(frozen=True)
class Entry:
    """One cell as it is printed.

    text   the number with its half-width, `n/c`, or `–`
    best   printed bold
    mark   `°` behind a number that is not shown worse than the best
    beside what stands behind in light type: the mean on the training set
    note   what stands behind in brackets: `2/5 n/c`
    hover  what the page shows under the pointer: the values by replicate
    cell   the folder of the runs behind it; empty for a published number
    """

    text: str
    best: bool = False
    mark: str = ""
    beside: str = ""
    note: str = ""
    hover: str = ""
    cell: str = ""

    def __str__(self) -> str:
        beside = f"⟨{self.beside}⟩" if self.beside else ""
        note = f"({self.note})" if self.note else ""
        return " ".join(part for part in (self.text, self.mark, beside, note) if part)


@dataclass(frozen=True)
class PrintedTable:
    """A table as it is printed.

    title     a phrase above it
    corner    what the rows are
    columns   what each column is called, unique
    caption   sentences below it
    groups    headings over several columns each, with how many; empty for one column
    footer    rows below the rule: a label and one text per column
    heads     what stands below the groups where `columns` would repeat them
    is_prose  its entries are sentences, which may break over lines
    name      the stem of its files, unique in a report: `table-1`; empty until it is numbered
    files     their names, once they are written
    """

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]
    caption: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()
    footer: tuple[tuple[str, tuple[str, ...]], ...] = ()
    heads: tuple[str, ...] = ()
    is_prose: bool = False
    name: str = ""
    files: tuple[str, ...] = ()

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
    rows = [
        [plain(grid.corner), *map(plain, grid.columns)],
        ["---"] * (len(grid.columns) + 1),
        *([plain(label), *map(_markdown_entry, entries)] for label, entries in grid.rows),
        *([f"*{plain(label)}*", *map(plain, texts)] for label, texts in grid.footer),
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    title = f"**Table {grid.number}.** {plain(grid.title)}"
    return "\n".join([title, "", *lines, "", plain(" ".join(grid.caption)), ""])


def to_tex(grid: PrintedTable) -> str:
    """Return the table for a paper; it needs the package booktabs."""
    lines = [
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_tex(grid.title)} {_tex(' '.join(grid.caption))}}}",
        f"  \\label{{tab:{grid.name}}}",
        *([r"  \footnotesize"] if grid.is_prose else []),
        f"  \\begin{{tabular}}{{{_tex_columns(grid)}}}",
        r"    \toprule",
    ]
    if grid.groups:
        spans = [f"\\multicolumn{{{n}}}{{c}}{{{_tex(label)}}}" for label, n in grid.groups]
        ends = accumulate((n for _, n in grid.groups), initial=1)
        rules = [f"\\cmidrule(l){{{a + 1}-{b}}}" for a, b in pairwise(ends)]
        lines += [_tex_row(["", *spans]), f"    {' '.join(rules)}"]
    lines += [_tex_row(map(_tex, (grid.corner, *grid.headings))), r"    \midrule"]
    lines += [_tex_row([_tex(label), *map(_tex_entry, entries)]) for label, entries in grid.rows]
    if grid.footer:
        lines.append(r"    \midrule")
    lines += [_tex_row(map(_tex, (label, *texts))) for label, texts in grid.footer]
    lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}", ""]
    return "\n".join(lines)


def _tex_columns(grid: PrintedTable) -> str:
    """Return the columns' kinds: those of sentences share most of the line and break in it."""
    if not grid.is_prose:
        return "l" * (len(grid.columns) + 1)
    columns = [[grid.corner, *(label for label, _ in grid.rows)]]
    columns += [
        [heading, *(str(entries[i]) for _, entries in grid.rows)]
        for i, heading in enumerate(grid.headings)
    ]
    long = [max(map(len, texts)) > _SHORT for texts in columns]
    width = 0.72 / max(1, sum(long))
    return "".join(f"p{{{width:.2f}\\linewidth}}" if one else "l" for one in long)


def plain(text: str) -> str:
    """Escape what Markdown would read as markup."""
    return text.translate(_MARKDOWN)


def _markdown_entry(entry: Entry) -> str:
    text = plain(entry.text)
    return str(replace(entry, text=f"**{text}**" if entry.best else text))


def _tex(text: str) -> str:
    return text.translate(_TEX)


def _tex_row(texts: Iterable[str]) -> str:
    return f"    {' & '.join(texts)} \\\\"


def _tex_entry(entry: Entry) -> str:
    text = f"\\textbf{{{_tex(entry.text)}}}" if entry.best else _tex(entry.text)
    note = f" ({_tex(entry.note)})" if entry.note else ""
    beside = f" {{\\footnotesize {_tex(f'⟨{entry.beside}⟩')}}}" if entry.beside else ""
    return f"{text}{_tex(entry.mark)}{beside}{note}"
