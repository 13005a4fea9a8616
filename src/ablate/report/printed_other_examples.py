"""What the table of claims says of other test examples, and its CSV."""

from collections.abc import Sequence

from ablate.report.other_examples import OtherExamples
from ablate.report.wording import counted

#: The heading of the column.
HEADING = "for other test examples too"
#: The columns of `numbers` in a CSV.
COLUMNS = (
    "other_examples", "error_replicates_and_examples", "freedom", "error_replicates",
    "p_supported_examples", "p_refuted_examples", "test_examples",
)  # fmt: skip


def text(found: OtherExamples | None) -> str:
    """Return `yes (standard error 0.38 points)`, a dash where it is no question."""
    if found is None:
        return "–"
    said = []
    if found.found is not None:
        said.append(f"standard error {found.found.both.error:.2g} points")
    if found.left_out:
        said.append(f"{counted(found.left_out, 'replicate')} left out")
    if found.note:
        said.append(found.note)
    return f"{found.word} ({', '.join(said)})" if said else found.word


def numbers(found: OtherExamples | None) -> tuple[str | float | None, ...]:
    """Return the word and all numbers behind it, for `COLUMNS`."""
    if found is None or found.found is None:
        return (None if found is None else found.word, *[None] * (len(COLUMNS) - 1))
    one = found.found
    alone = 0.0 if one.alone is None else one.alone.error
    ps = found.p_supported, found.p_refuted
    return found.word, one.both.error, one.both.freedom, alone, *ps, one.examples


def caption(found: Sequence[OtherExamples | None]) -> list[str]:
    """Return what a caption says of it, for all claims of a study; nothing where none asks."""
    asked = [one for one in found if one is not None]
    if not asked:
        return []
    if not any(one.is_told for one in asked):
        return ["Whether verdicts hold for other test examples too is not recorded."]
    return [
        "For other test examples too: the test examples are taken as a sample, as the replicates "
        "are, and the claim is judged again at its level, with the standard error of its effect "
        "over both (pairs that converged; two-way, Satterthwaite): yes, supported so too; no, "
        "refuted so too; open, neither."
    ]
