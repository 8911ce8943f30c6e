"""Redaction: the canary is gone, and what helps the reader stays."""

import pytest

from sidecar.model.redact import redact

CANARY = "c4nary"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"postgresql://app:{CANARY}@db:5432/shop", "postgresql://***@db:5432/shop"),
        (f"redis://:{CANARY}@cache:6379/0", "redis://***@cache:6379/0"),
        (f"redis://{CANARY}@cache", "redis://***@cache"),
        (f"postgres://app:p@ss/{CANARY}#x@db/shop", "postgres://***@db/shop"),
        (f"postgres://db/shop?user=app&password={CANARY}&sslmode=require", None),
        (f"host=db user=app password={CANARY} dbname=shop", "host=db user=app password=*** dbname=shop"),
        (f"host=db password='{CANARY} with \\' and spaces' dbname=shop", "host=db password=*** dbname=shop"),
        (f"host=db PASSWORD = {CANARY}", None),
        (f"app:{CANARY}@db:5432/shop", "***@db:5432/shop"),
        (f"postgres:/app:{CANARY}@db/shop", None),
        (f"invalid DSN: scheme is expected, got 'app:{CANARY}@db'", "invalid DSN: scheme is expected, got '***@db'"),
        (f"{{'user': 'app', 'password': '{CANARY}'}}", None),
        (f'{{"sslpassword": "{CANARY}"}}', None),
        (f"AUTH token={CANARY}; next", "AUTH token=***; next"),
        (f"password=...{CANARY}", "password=***"),
        (f"`${{TOKEN:-{CANARY}}}`", None),
    ],
)
def test_credentials_are_hidden(text: str, expected: str | None) -> None:
    assert CANARY not in redact(text)
    if expected is not None:
        assert redact(text) == expected


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    assert redact("a b/c d b%2Fc", ["b/c"]) == "a *** d ***"


@pytest.mark.parametrize(
    "text",
    [
        'password authentication failed for user "app"',
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)",
        "postgresql://db:5432/shop",
        "canceling statement due to lock timeout",
        "at 12:30:01 the server said no",
        "environment variable `DB_PASSWORD` is not set; `${DB_PASSWORD:-default}` gives a default",
        "`${DB_PASSWORD:-...` has no closing brace",
        "`${TOKEN:?...}` is no reference",
    ],
)
def test_texts_without_secrets_stay(text: str) -> None:
    assert redact(text, [""]) == text
