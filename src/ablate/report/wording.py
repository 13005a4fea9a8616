"""Words of sentences that are made mechanically."""

import re
from collections.abc import Sequence

from ablate.study.schema import Factor

#: What a sentence of this field may begin with that keeps its capital letter in the middle of one.
_NAMES = frozenset({
    "Adadelta", "Adagrad", "Adam", "Gaussian", "Glorot", "He", "Nesterov", "Polyak", "Xavier",
})  # fmt: skip
#: Names of two levels that read as words before and without the factor's label.
WITH = frozenset({"with", "without"})
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_YES_OR_NO = re.compile(
    r"(am|is|are|was|were|do|does|did|can|could|will|would|shall|should|may|might|must|has|have|had)\b",
    re.IGNORECASE,
)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def power_of_ten(power: int) -> str:
    """Return `10⁹` or `10⁻¹²`."""
    return f"10{str(power).translate(_RAISED)}"


def counted(count: int, word: str) -> str:
    """Return `1 run` or `3 runs`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


#: A level's name that needs no word before it.
_WORDS = ("with ", "without ")


def singular(effect: str) -> str:
    """Return `+1 point (−1 to 3)` for `+1 points (−1 to 3)`, and other effects as they are."""
    return re.sub(r"^([+−]?1 (?:point|step|nat))s\b", r"\1", effect)


def level_text(factor: Factor, name: str) -> str:
    """Return a level as it is said: `momentum`, but `learning rate 0.1` where it is a number."""
    return f"{factor.label} {name}" if name[:1].isdigit() else name


def arm_text(factor: Factor, name: str) -> str:
    """Return which runs have a level: `without batch norm`, `with flip`, `with members 10`."""
    if name in WITH:
        return f"{name} {factor.label}"
    return name if name.startswith(_WORDS) else f"with {level_text(factor, name)}"


def other_arm_text(name: str) -> str:
    """Return which runs have a level, of a factor that has just been named."""
    return name if name in WITH or name.startswith(_WORDS) else f"with {name}"


def pair_text(factor: Factor, a: str, b: str) -> str:
    """Return `flip against none`, `with batch norm against without`, `members 10 against 1`."""
    first = f"{a} {factor.label}" if {a, b} == WITH else level_text(factor, a)
    return f"{first} against {b}"


def in_sentence(text: str) -> str:
    """Return a sentence as it goes on behind a colon: no capital, unless of a name, and no stop."""
    first = re.match(r"[^\W\d_]+", text)
    word = first[0] if first else ""
    # A capital or a digit further on: LSUV, RMSProp, L1.
    whole = text.split(maxsplit=1)[0] if text else ""
    plain = word[1:] == word[1:].lower() and not re.search(r"\d", whole)
    text = text[:1].lower() + text[1:] if plain and word not in _NAMES else text
    return text.rstrip().removesuffix(".")


def sentence(text: str) -> str:
    """Return words as a sentence: a capital first and a stop at the end."""
    return f"{text[:1].upper()}{text[1:]}."


def asks_yes_or_no(question: str) -> bool:
    """Tell whether a question begins as those do that yes or no answers: `Does X matter?`."""
    return _YES_OR_NO.match(question.strip()) is not None
