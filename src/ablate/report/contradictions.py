"""Where runs speak against a lecture or a paper: a sentence each, with what could explain it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablate.report.claim_answer import found_in_words
from ablate.report.verdicts import SMALL, Verdict
from ablate.report.wording import in_sentence
from ablate.study.schema import Study


@dataclass(frozen=True)
class Contradiction:
    """A statement that the verdict on a claim speaks against.

    claim   by name
    source  whose statement it is
    text    what it says, what was found instead, and what could explain it
    """

    claim: str
    source: str
    text: str

    def as_told(self) -> dict[str, str]:
        """Return it as a manifest has it."""
        return {"claim": self.claim, "source": self.source, "text": self.text}


def contradictions(study: Study, verdicts: Sequence[Verdict]) -> Iterator[Contradiction]:
    """Yield the statements that are refuted, or whose effect is shown to be none worth speaking of.

    What is merely not shown contradicts nobody.
    """
    for verdict in verdicts:
        statement = verdict.claim.statement
        if statement is None or verdict.outcome not in ("refuted", SMALL):
            continue
        said = in_sentence(statement.says or verdict.claim.text).rstrip(".")
        small = "no difference worth speaking of, " if verdict.outcome == SMALL else ""
        why = f" {statement.otherwise}" if statement.otherwise else ""
        text = f"Said there: {said}. Found here: {small}{found_in_words(verdict, study)}.{why}"
        yield Contradiction(verdict.claim.name, statement.source, text)
