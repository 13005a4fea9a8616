"""One warning, and how several of a kind become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablate.study.schema import Study

Kind = Literal[
    "trained differently", "still improving", "one learning rate", "edge of tuning", "tuned on few",
    "half n/c", "mean and median part", "too few replicates", "small test set",
    "unlike machines",
]  # fmt: skip
#: Of a kind that is found more often only so many cases are named.
_MOST = 4
#: What counts as a difference where the study does not say, by unit.
_LEAST = {"points": 0.5, "nats": 0.02}


@dataclass(frozen=True)
class DataWarning:
    """What a reader should know before taking a comparison as it stands.

    claims  names of the claims that it is about; none where it is about the study
    text    one sentence with the numbers that gave it
    """

    kind: Kind
    claims: tuple[str, ...]
    text: str

    @property
    def claim(self) -> str | None:
        """The claim that it is about; None for several or none."""
        return self.claims[0] if len(self.claims) == 1 else None

    def as_told(self) -> dict[str, str | None]:
        """Return it as a manifest has it."""
        return {"kind": self.kind, "claim": self.claim, "text": self.text}


@dataclass(frozen=True)
class Finding:
    """One case of a kind.

    claim  None for a comparison of leaders
    text   the whole sentence, where it stands alone
    short  its part of a sentence for several
    """

    claim: str | None
    text: str
    short: str


def merged(kind: Kind, findings: Sequence[Finding], begin: str) -> list[DataWarning]:
    """Return one warning at most: the finding's own where it is alone, else one with all of them.

    begin  opens the sentence for several
    """
    if not findings:
        return []
    claims = tuple(dict.fromkeys(finding.claim for finding in findings if finding.claim))
    texts = {finding.text: finding.short for finding in findings}
    if len(texts) == 1:
        return [DataWarning(kind, claims, next(iter(texts)))]
    named = list(dict.fromkeys(texts.values()))
    more = f"; and {len(named) - _MOST} more" if len(named) > _MOST else ""
    return [DataWarning(kind, claims, f"{begin}: {'; '.join(named[:_MOST])}{more}.")]


def least_effect(study: Study, unit: str) -> float:
    """Return what counts as a difference: the study's smallest effect, 0.5 points or 0.02 nats."""
    own = study.smallest_effect if unit == study_unit(study) else None
    return own if own is not None else _LEAST.get(unit, 0.0)


def study_unit(study: Study) -> str:
    """Return the unit of differences in the study's metric: `points`, `nats` or nothing."""
    return "points" if study.metric.unit == "%" else study.metric.unit
