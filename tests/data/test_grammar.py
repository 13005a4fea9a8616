"""Generated text: what it says of itself is true of it."""

import itertools

import numpy as np
import pytest

from ablate.config.data import Grammar
from ablate.data import grammar


def drawn(examples: int, length: int = 64):
    config = Grammar(name="grammar", train_examples=examples, test_examples=1, length=length)
    return grammar.sentences(config)[0]


def text_of(tokens) -> str:
    return "".join(grammar.automaton().characters[token] for token in tokens)


def test_no_piece_of_a_state_begins_another() -> None:
    for pieces in grammar._states().values():
        texts = sorted(text for text, *_ in pieces)
        assert len(set(texts)) == len(texts)
        assert not any(b.startswith(a) for a, b in itertools.pairwise(texts))
        assert sum(p for _, p, _ in pieces) == pytest.approx(1, abs=1e-12)


def test_probabilities_of_characters_are_those_of_pieces() -> None:
    """Multiplied along a piece they give its own, for every piece of every state."""
    automaton = grammar.automaton()
    names = list(grammar._states())
    for place, pieces in enumerate(grammar._states().values()):
        for text, p, following in pieces:
            product, where = 1.0, place
            for character in text:
                token = automaton.characters.index(character)
                product *= automaton.probabilities[where, token]
                where = automaton.successors[where, token]
            assert product == pytest.approx(p, rel=1e-12)
            assert where == names.index(following)


def test_the_entropy_rate_is_that_of_the_chain_of_characters() -> None:
    """Over places as often as they come, found by many steps from the first: another way."""
    automaton = grammar.automaton()
    p = automaton.probabilities
    step = np.zeros((len(p), len(p)))
    for place, token in zip(*np.nonzero(p), strict=True):
        step[place, automaton.successors[place, token]] += p[place, token]
    often = np.eye(len(p))[0]
    for _ in range(4000):
        often = 0.5 * (often + often @ step)  # as often, and no period in the way
    entropy = -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=1)
    assert grammar.entropy_rate() == pytest.approx(often @ entropy, rel=1e-9)


def test_the_best_loss_of_long_texts_is_the_entropy_rate() -> None:
    """Within four standard errors, taken from the examples themselves."""
    x, y = drawn(400, length=800)
    each = [grammar.best_loss(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    error = np.std(each) / len(each) ** 0.5
    assert abs(np.mean(each) - grammar.entropy_rate()) < 4 * error + 0.001


def test_a_verb_agrees_with_its_subject() -> None:
    x, y = drawn(300)
    verbs = {"see", "like", "find", "follow", "help", "pull", "meet", "know", "want", "hear"}
    found = set()
    for given, following in zip(x, y, strict=True):
        for sentence in (text_of(given) + text_of(following[-1:])).split(".")[:-1]:
            words = sentence.split()
            plural = words[0] in ("some", "many", "two")
            verb = next(
                w for w in words if w in verbs or w.removesuffix("s") in verbs | {"draw", "paint"}
            )
            assert (verb[-1] != "s") == plural, sentence
            found.add(plural)
    assert found == {True, False}


def test_more_examples_only_append_and_y_is_what_follows() -> None:
    x, y = drawn(50)
    more, _ = drawn(80)
    np.testing.assert_array_equal(more[:50], x)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    assert text_of(x[:, 0]).strip() == ""
