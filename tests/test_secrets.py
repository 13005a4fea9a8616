"""Passwords and tokens stay out of what is printed; words that are none stay in it."""

import pytest

from ablate.secrets import has_password, masked


@pytest.fixture(autouse=True)
def _no_address_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "text",
    [
        "open http://user:hunter2@127.0.0.1:9/#/x",
        "no answer from https://hunter2@example.org/api",
        "postgresql+psycopg2://user:p@hunter2@host/db",
        "https://example.org/api?run=1&access_token=hunter2&x=1",
        "https://example.org/api?sig=hunter2",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dhunter2%3BY%3D1",
        "{'Authorization': 'Bearer hunter2hunter2'}",
    ],
)
def test_an_address_shows_no_secret(text: str) -> None:
    assert "hunter2" not in masked(text)
    assert "***" in masked(text)


def test_what_the_environment_keeps_secret_shows_in_no_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:hunter%2F2secret@host/?token=abc%40defg")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "sesame street")
    for text in ("hunter%2F2secret", "hunter/2secret", "abc@defg", "abc%40defg",
                 "sesame street", "sesame%20street"):  # fmt: skip
        assert masked(f"refused: {text}.") == "refused: ***."


@pytest.mark.parametrize(
    "text",
    [
        "model.tokens=5 is not allowed", "mail a@b.c", "http://127.0.0.1:5000/#/experiments/1",
        "study=s key=optimizer.lr", "test/accuracy 0.5; keys=3",
    ],
)  # fmt: skip
def test_other_words_stay(text: str) -> None:
    assert masked(text) == text
    assert not has_password(text)


def test_a_password_is_told_from_a_users_name() -> None:
    assert has_password("https://user:hunter2@example.org/x")
    assert has_password("https://example.org/x?token=hunter2")
    assert not has_password("ssh://git@example.org/x")
