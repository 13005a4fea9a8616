"""Sequences of one's own, and values that are missing: what is refused, in which words."""

import inspect
import textwrap
from pathlib import Path

import pytest
import torch

import ablate
import mylab.data
from ablate.config.data import UserData
from ablate.config.validate import validated
from ablate.data.user_data import load_user_data
from ablate.errors import ConfigError


def loaded(monkeypatch: pytest.MonkeyPatch, x, y, task="next_token", **fields):
    monkeypatch.setattr(
        mylab.data, "book", lambda: ablate.Data((x, y), None, (x, y), task=task, **fields)
    )
    load_user_data.cache_clear()
    return load_user_data(validated(UserData, {"_target_": "mylab.data.book"}))


TOKENS = torch.arange(12).view(3, 4)


def test_the_vocabulary_is_what_there_is_or_what_is_said(monkeypatch) -> None:
    assert loaded(monkeypatch, TOKENS, TOKENS).vocabulary == 12
    assert loaded(monkeypatch, TOKENS, TOKENS, vocabulary=20).classes == 20
    padded = TOKENS.clone()
    padded[0, 2:] = -100
    assert loaded(monkeypatch, TOKENS, padded).vocabulary == 12
    labels = loaded(monkeypatch, TOKENS, torch.tensor([0, 1, 1]), "classification", vocabulary=12)
    assert (labels.vocabulary, labels.classes) == (12, 2)


@pytest.mark.parametrize(
    ("x", "y", "fields", "sentence"),
    [
        (TOKENS, TOKENS[:, :3], {}, r"y is \(3, 3\) and x \(3, 4\); .* y\[:, t\] = x\[:, t \+ 1\]"),
        (TOKENS, TOKENS + 1, {}, "y has tokens from 1 to 12; they must lie from 0 to 11, or be -100"),
        (TOKENS, 0 * TOKENS - 100, {}, "no token of y counts"),
        (TOKENS, TOKENS, {"vocabulary": 5}, "tokens go from 0 to 11; they must lie from 0 to 4"),
        (TOKENS - 1, TOKENS, {}, "tokens go from -1 to 10; they must lie from 0 to the number of"),
        (TOKENS.float(), TOKENS, {}, r"for task='next_token' x must be int64 \(N, T\)"),
        (TOKENS.float(), TOKENS, {"vocabulary": 12}, "vocabulary is 12, but x has no tokens"),
        (TOKENS, TOKENS, {"vocabulary": -1}, "vocabulary is -1; it must be a whole number"),
        (
            TOKENS, torch.tensor([0, 1, 1]), {"task": "classification"},
            r"x is int64 \(3, 4\); numbers must be float32 or uint8, and tokens are what",
        ),
    ],
)  # fmt: skip
def test_what_are_no_sequences_is_refused(monkeypatch, x, y, fields, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        loaded(monkeypatch, x, y, **fields)


def test_missing_values_are_named_by_their_columns(monkeypatch) -> None:
    x = torch.ones(6, 9)
    x[1, 2] = x[4, 2] = x[4, 7] = torch.nan
    with pytest.raises(ConfigError, match=r"missing values \(NaN\) in columns 2, 7, in 2 of 6"):
        loaded(monkeypatch, x, torch.ones(6), "regression")
    x[0] = torch.nan
    with pytest.raises(ConfigError, match=r"in columns 0, 1, 2 and 6 more, in 3 of 6 examples"):
        loaded(monkeypatch, x, torch.ones(6), "regression")
    images = torch.ones(3, 1, 2, 2)
    images[0, 0, 1, 1] = torch.nan
    with pytest.raises(ConfigError, match=r"missing values \(NaN\) in 1 of 3 examples"):
        loaded(monkeypatch, images, torch.tensor([0, 1, 1]), "classification")


def test_the_page_shows_the_book_that_is_tested_here(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-code.md").read_text(encoding="utf-8")
    assert textwrap.dedent(inspect.getsource(mylab.data.book)) in page
    text = "abc" * 400
    (tmp_path / "book.txt").write_text(text)
    data = mylab.data.book(tmp_path / "book.txt", length=10)
    assert data.vocabulary == 3
    assert [len(x) for x, _ in (data.train, data.validation, data.test)] == [95, 12, 12]
    x, y = data.test
    assert torch.equal((x + 1) % 3, y)
