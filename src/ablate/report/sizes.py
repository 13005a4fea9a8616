"""The sizes of figures: in print, and on slides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """The sizes that figures are drawn in, handed down to whatever draws.

    text, small   points: labels and titles; ticks, legends and notes in panels
    one_column, two_columns   widths in inches
    height        inches that every figure fills; None: as many as it needs
    magnified     how many times as large the file is as the drawing
    """

    text: float
    small: float
    one_column: float
    two_columns: float
    height: float | None = None
    magnified: float = 1.0

    def fitting(self, on_paper: int, each: float, besides: float = 0.8) -> int:
        """Return how many panels or rows, each so many inches high, one figure takes.

        on_paper  as many as a page takes, however high they are
        besides   inches for what is above and below them
        """
        if self.height is None:
            return on_paper
        return max(1, min(on_paper, int((self.height - besides) / each)))

    def share(self, of_two_columns: float) -> float:
        """Return the width of a narrow figure, in inches; where all are of one size, that."""
        return self.two_columns * (of_two_columns if self.height is None else 1)

    def columns(self, on_paper: int, each: float) -> int:
        """Return how many panels at least `each` inches wide stand side by side."""
        if self.height is None:
            return on_paper
        return max(1, min(on_paper, int((self.two_columns - 0.6) / each)))


#: Print: one column and two columns of a paper.
PAPER = Style(text=8.0, small=7.0, one_column=3.4, two_columns=7.0)
#: Slides of 13.3 by 7.5 inches (16:9), on which 8 points are 18.
SLIDES = Style(
    text=8.0, small=8.0, one_column=16 / 2.7, two_columns=16 / 2.7, height=9 / 2.7, magnified=2.25
)
