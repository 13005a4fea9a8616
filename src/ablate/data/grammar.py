"""Text of a small grammar, character by character, of which the best possible score is known.

The grammar is a chain of states that each write one of some pieces: words with the space or the
full stop behind them, so that no piece of a state begins another one. A text then tells in which
state it is, and the probability of every next character is a sum over the pieces that fit.

    sentence    subject verb object
    subject     determiner adjective* noun (preposition noun)*
    object      adjective* noun, or with an adverb behind it

A verb agrees in number with the subject's first noun, however many nouns of whatever number stand
between them (Linzen et al. 2016 have networks find that out from text).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.config.data import Grammar
from ablate.data.readers import Arrays, Examples
from ablate.streams import Streams

_ADJECTIVES = ["old", "small", "red", "young", "green", "happy", "tall", "quiet", "brave", "lazy"]
_NOUNS = [
    "dog",
    "cat",
    "bird",
    "horse",
    "king",
    "queen",
    "girl",
    "tree",
    "house",
    "river",
    "stone",
    "ship",
    "cloud",
    "garden",
    "farmer",
    "student",
    "teacher",
    "robot",
    "lamp",
    "table",
    "window",
    "letter",
    "song",
    "island",
]
_VERBS = [
    "see",
    "like",
    "find",
    "follow",
    "help",
    "pull",
    "meet",
    "paint",
    "draw",
    "know",
    "want",
    "hear",
]
_PREPOSITIONS = ["near", "with", "behind", "above", "below", "beside"]
_ADVERBS = ["today", "again", "slowly", "often", "there", "twice"]

#: A piece of text with its probability, and the state that follows it.
_Piece = tuple[str, float, str]


@dataclass(frozen=True, eq=False)
class Automaton:
    """The grammar over S places of a text and V characters; place 0 begins a sentence.

    characters     in the order of their tokens, 0 to V - 1
    probabilities  of the next character at each place, float64 (S, V)
    successors     the place behind it, int64 (S, V), 0 where it cannot stand
    """

    characters: str
    probabilities: npt.NDArray[np.float64]
    successors: npt.NDArray[np.int64]


def sentences(config: Grammar) -> Examples:
    """Return training and test examples: x int64 (N, length), and y, the character behind each.

    Each begins with the space in front of a sentence. They depend on no seed; more examples only
    append.
    """

    def draw(part: str, count: int) -> Arrays:
        draws = Streams(0, 0).numpy("data", f"grammar {part}").random((count, config.length))
        return _written(automaton(), draws)

    return draw("train", config.train_examples), draw("test", config.test_examples)


def best_loss(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> float:
    """Return the cross-entropy of the grammar itself in nats per character, of x and y (N, T).

    No model has less on average; on so many characters one may by luck.
    """
    grammar = automaton()
    place = np.zeros(len(x), dtype=np.int64)
    total = 0.0
    for token in y.T:
        total -= float(np.log(grammar.probabilities[place, token]).sum())
        place = grammar.successors[place, token]
    return total / y.size


def entropy_rate() -> float:
    """Return the entropy of a character of a long text, in nats.

    The mean over states, as often as they come, of the entropy of the next piece, over that of its
    length.
    """
    names = list(_states())
    chain = np.zeros((len(names), len(names)))
    entropy, length = np.zeros(len(names)), np.zeros(len(names))
    for row, pieces in enumerate(_states().values()):
        for text, p, following in pieces:
            chain[row, names.index(following)] += p
            entropy[row] -= p * np.log(p)
            length[row] += p * len(text)
    values, vectors = np.linalg.eig(chain.T)
    often = np.abs(vectors[:, np.argmax(values.real)].real)
    return float(often @ entropy / (often @ length))


def characters() -> str:
    """Return the characters of the text, in the order of their tokens."""
    pieces = (text for pieces in _states().values() for text, *_ in pieces)
    return "".join(sorted(set("".join(pieces))))


@functools.cache
def automaton() -> Automaton:
    """Return the grammar, character by character."""
    states, letters = _states(), characters()
    places = {(name, ""): number for number, name in enumerate(states)}
    for name, pieces in states.items():
        for text, *_ in pieces:
            for end in range(1, len(text)):
                places.setdefault((name, text[:end]), len(places))
    shape = len(places), len(letters)
    weights, successors = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for name, pieces in states.items():
        for text, p, following in pieces:
            for end, character in enumerate(text, start=1):
                row, column = places[name, text[: end - 1]], letters.index(character)
                weights[row, column] += p
                whole = end == len(text)
                successors[row, column] = places[(following, "") if whole else (name, text[:end])]
    return Automaton(letters, weights / weights.sum(axis=1, keepdims=True), successors)


def _written(grammar: Automaton, draws: npt.NDArray[np.float64]) -> Arrays:
    """Return x and y (N, T) by inverting draws (N, T) from [0, 1)."""
    ends = grammar.probabilities.cumsum(axis=1)
    last = grammar.probabilities.shape[1] - 1 - (grammar.probabilities[:, ::-1] > 0).argmax(axis=1)
    place = np.zeros(len(draws), dtype=np.int64)
    y = np.empty(draws.shape, dtype=np.int64)
    for step, drawn in enumerate(draws.T):
        passed = (ends[place] <= drawn[:, None]).sum(axis=1)
        y[:, step] = np.minimum(passed, last[place])  # sums of probabilities may stay below 1
        place = grammar.successors[place, y[:, step]]
    space = np.full((len(y), 1), grammar.characters.index(" "))
    return np.concatenate([space, y[:, :-1]], axis=1), y


def _states() -> Mapping[str, Sequence[_Piece]]:
    """Return what each state writes; the first begins a sentence."""
    states: dict[str, list[_Piece]] = {
        "sentence": [
            *_pieces(["a ", "every ", "one "], "singular subject", 0.5),
            *_pieces(["some ", "many ", "two "], "plural subject", 0.5),
        ]
    }
    plurals = [f"{noun}s" for noun in _NOUNS]
    for number, nouns, verbs in (
        ("singular", _NOUNS, [f"{verb}s" for verb in _VERBS]),
        ("plural", plurals, _VERBS),
    ):
        states[f"{number} subject"] = [
            *_pieces(_spaced(_ADJECTIVES), f"{number} subject", 0.3),
            *_pieces(_spaced(nouns), f"{number} verb", 0.7),
        ]
        states[f"{number} verb"] = [
            *_pieces(_spaced(_PREPOSITIONS), f"{number} between", 0.3),
            *_pieces(_spaced(verbs), "object", 0.7),
        ]
        states[f"{number} between"] = [
            *_pieces(_spaced(_NOUNS), f"{number} verb", 0.5),
            *_pieces(_spaced(plurals), f"{number} verb", 0.5),
        ]
    states["object"] = [
        *_pieces(_spaced(_ADJECTIVES), "object", 0.3),
        *_pieces(_spaced(plurals), "adverb", 0.2),
        *_pieces([f"{noun}. " for noun in plurals], "sentence", 0.5),
    ]
    states["adverb"] = _pieces([f"{adverb}. " for adverb in _ADVERBS], "sentence", 1.0)
    return states


def _spaced(words: Sequence[str]) -> list[str]:
    return [f"{word} " for word in words]


def _pieces(texts: Sequence[str], following: str, share: float) -> list[_Piece]:
    """Return texts of one kind that together have the probability `share`, by Zipf's law."""
    weights = 1 / np.arange(1, len(texts) + 1)
    return [
        (text, float(share * weight), following)
        for text, weight in zip(texts, weights / weights.sum(), strict=True)
    ]
