"""Passwords and tokens, kept out of everything that is printed or written."""

import os
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

#: Addresses that the environment gives may hold one, in a form that an error has taken apart.
_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_BACKEND_STORE_URI")
_SECRETS = (
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD", "MYSQL_PWD",
)  # fmt: skip
#: Shorter ones are masked in addresses alone: their letters stand in every other word.
_SHORTEST = 6
# An @ of a password that nobody has encoded is taken as well: all up to the last one.
_USER = re.compile(r"(?<=://)[^/\s'\"<>]*@")
_PASSWORD = re.compile(r"://[^/:@\s]*:[^/\s]+@")
_FIELD = re.compile(
    r"((?:[?&;]|%3B|%3D|%26)[\w.-]*(?:token|passw(?:or)?d|pwd|secret|key|signature|sig|auth)"
    r"(?:=|%3D))((?:(?!%3B|%26)[^&;#\s'\"<>])+)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b(Basic|Bearer) +[\w+/=.~-]{8,}")


def masked(text: str) -> str:
    """Return `text` without what the environment keeps secret, and without its like in addresses.

    Masked are user and password before an @, fields of a query called token, password and so on,
    and whatever MLflow's variables hold of these, in plain letters or percent-encoded.
    """
    for secret in sorted(set(_known()), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _HEADER.sub(r"\1 ***", _USER.sub("***@", text))
    return _FIELD.sub(r"\1***", text)


def has_password(text: str) -> bool:
    """Tell whether an address in `text` has a password before its @, or a secret in its query."""
    return bool(_PASSWORD.search(text) or ("://" in text and _FIELD.search(text)))


def _known() -> Iterator[str]:
    found = [os.environ.get(name, "") for name in _SECRETS]
    for address in (os.environ.get(name, "") for name in _ADDRESSES):
        user, at, _ = address.partition("://")[2].rpartition("@")
        # Not the user's name, which may be any word, but where it is all there is: a token.
        found += [user, user.partition(":")[2]] if at else []
        found += [match[2] for match in _FIELD.finditer(address)]
    for secret in found:
        forms = (secret, unquote(secret), quote(secret, safe=""), quote(unquote(secret), safe=""))
        yield from (form for form in forms if len(form) >= _SHORTEST)
