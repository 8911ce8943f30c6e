"""Nothing that comes from outside is kept, shown, logged or sent on but through the boundary."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.fingerprint.stack import ErrorText
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.store import ErrorGroups, Occurrence
from tests import conftest
from tests.unit.redaction.everything import FIELDS, NOW, ROOT, TRACE, Everything

ALL = RedactConfig(patterns=("(?s).+",))
"""Masks whatever comes to the boundary."""
NOT_NAMED_BY_IT = {"http.request.method"}
"""What is one of a few words afterwards, whatever it was."""

SECRET = "s3cr3t"
CANARIES = (
    f"{SECRET}.jane@example.com",
    f"password={SECRET}",
    f'{{"password": "{SECRET} {SECRET}',
    f"Authorization: Bearer {SECRET}.abcdef-123",
    f"SELECT name FROM users WHERE mail = '{SECRET}'",
    f"INSERT INTO users VALUES (1, '{SECRET}')",
    "card 4111 1111 1111 1111",
    "4111111111111111",
    f"eyJhbGciOi.{SECRET}.{SECRET}",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f"private_key=-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
    f'{{\\"password\\": \\"{SECRET}\\"}}',
    f"Cookie: a=1; b={SECRET}",
    f"https://jane:{SECRET}@example.com/a?token={SECRET}",
    f"Key (mail)=({SECRET}) already exists.",
)
LEAKED = re.compile(rf"(?i){SECRET}|4111.?1111|jane@")
LANGUAGES = [*"python java nodejs webjs go dotnet php ruby erlang rust swift cpp lua dart".split(), ""]
STACKS = (
    "{0}",
    "RuntimeException: {0}\n\tat App.Cart.handle(Cart.php:12)",
    "E: x\n\t{0}:12",
    "{0}\n\t/srv/{0}.go:12 +0x1f",
    "main.{0}()\n\t/srv/x.go:12",
    'Traceback (most recent call last):\n  File "{0}", line 1, in {0}\n    code()\n{0}: {0}',
    'Traceback (most recent call last):\n  File "/x.py", line 1, in f\nE: {0}\n  File "/{0}", line 1, in g\nE: x',
    "TypeError: {0}\n    at {0} (/srv/{0}:1:1)\n    at f (https://example.com/{0}:1:1)\n{0}@https://example.com/x.js:1:1",
    "System.Exception: {0}\n   at {0}({0})\n   at Shop.{0}(String x) in /{0}:line 12",
    "java.lang.E: {0}\n\tat com.{0}.f({0}.java:1)\n\tat {0}(Unknown Source)\nCaused by: {0}: {0}",
    "/srv/{0}:12:in `{0}': {0} ({0})\n\tfrom /srv/x.rb:3:in `{0}'",
    "** (E) {0}\n    (shop 0.1.0) lib/{0}.ex:1: Shop.f({0})\n    (shop 0.1.0) lib/x.ex:1: {0}",
    '[{{{0},{0},[{0}],[{{file,"{0}"}},{{line,1}}]}}]',
    "   0: {0}\n             at {0}:1:1\n   1: f\n             at /srv/{0}.rs:1:1",
    "#0 /srv/{0}(12): {0}({0})\n#1 [internal function]: f({0})\n#2 {{main}}",
    "0   {0}   0x0000000104b1c000 {0} + 120\n 0# {0} at {0}:1\n/srv/{0}(f+0x1f) [0x1]",
)


@pytest.mark.parametrize("field", FIELDS)
def test_nothing_gets_past_the_boundary(field: str) -> None:
    text = "Zq7Past" if field in NOT_NAMED_BY_IT else "Zq7 past-the.boundary"
    everything = Everything(ALL)
    everything.receive({field: text})
    assert "Zq7" not in everything.shown()
    assert "Zq7" not in everything.forwarded({field: text})


def test_a_text_that_nobody_masks_is_seen_so_that_the_others_mean_something() -> None:
    everything = Everything(RedactConfig(credentials=False, emails=False, cards=False, sql_literals=False))
    seen = {field for field in FIELDS if "Zq7past" in _shown_alone({field: "Zq7past"}, everything)}
    assert len(seen) > 30


def _shown_alone(texts: dict[str, str], like: Everything) -> str:
    everything = Everything(like.redactor.config)
    everything.receive(texts)
    return everything.shown()


@given(
    st.sampled_from(LANGUAGES),
    st.sampled_from(CANARIES),
    st.sets(st.sampled_from(FIELDS), min_size=1, max_size=4),
    st.sampled_from(STACKS),
    st.sampled_from(("{0}", "no {0} here", "{0}\n{0}", "'{0}'", "x" * 240 + " {0}", "y" * 4090 + " {0}")),
)
@settings(max_examples=40, deadline=None)
def test_no_canary_is_in_any_output(language: str, canary: str, fields: set[str], stack: str, around: str) -> None:
    text = around.replace("{0}", canary)
    texts = dict.fromkeys(fields, text)
    if "exception.message" in fields or "exception.stacktrace" in fields:
        texts["exception.stacktrace"] = stack.format(text)
    everything = Everything(RedactConfig())
    everything.receive(texts, language)
    assert not LEAKED.search(everything.shown())
    assert not LEAKED.search(everything.forwarded(texts, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_stack_trace_of_any_language_shows_a_canary(language: str) -> None:
    groups = ErrorGroups(ErrorGroupsConfig(), Redactor(RedactConfig()))
    for canary in CANARIES:
        for number, stack in enumerate(STACKS):
            error = ErrorText(f"E{number}", canary, stack.format(canary), language)
            groups.add(Occurrence("shop", "1", error, "", TRACE, ROOT, NOW), NOW)
    assert not LEAKED.search(repr([*groups.newest()]))


@pytest.mark.parametrize(
    ("made", "folder"), [("Masked", "sidecar/redaction"), ("Code", "sidecar/fingerprint/stacks/code.py")]
)
def test_what_may_be_shown_is_made_in_one_place(made: str, folder: str) -> None:
    makers = {
        path.relative_to(conftest.ROOT).as_posix()
        for path in (conftest.ROOT / "sidecar").rglob("*.py")
        if re.search(rf"(?<![\w.]){made}\(", path.read_text())
    }
    assert makers
    assert {maker for maker in makers if not maker.startswith(folder)} == set()
