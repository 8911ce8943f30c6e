"""What errors are called: one form of types wherever they come from, and what stands for one that is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.derive.origin import Origin
from sidecar.fingerprint.exception_type import type_name
from sidecar.spans.error_groups.group import ErrorGroup
from sidecar.spans.insights import Insights
from tests.unit.codec.otlp_messages import official_of
from tests.unit.spans.pipelines import ERRORS, judged, pipeline, shown
from tests.unit.spans.test_errors import record


def groups(insights: Insights) -> list[ErrorGroup]:
    return [*judged(insights).errors.newest()]


def accepted(body: bytes) -> list[ErrorGroup]:
    """Return the groups of a request."""
    insights = Insights()
    subject = pipeline(insights)
    for batch in SpanBatches(body, 1.79e9):
        subject.accept(batch)
    return groups(insights)


@pytest.fixture
def dumps(shared_data: Path) -> Path:
    """Return the folder of what real frameworks sent."""
    folder = shared_data.parent / "cases/frameworks/node"
    if not folder.is_dir():
        pytest.skip(f"no dumps of frameworks at {folder}")
    return folder


def dumped(folder: Path, name: str) -> list[ErrorGroup]:
    data = json.loads((folder / f"{name}.json").read_text())
    return accepted(official_of(TRACES, data).SerializeToString())


def test_handlers_without_names_are_told_apart_by_their_messages(dumps: Path) -> None:
    found = dumped(dumps, "express_three_errors")
    assert {group.message for group in found} == {"stock is empty", "no such coupon", "mail server is gone"}
    assert len(found) == 3


def test_errors_of_a_driver_that_keeps_their_messages_are_told_apart_by_their_codes(dumps: Path) -> None:
    found = {group.type: group.message for group in dumped(dumps, "pg_three_errors")}
    assert found.keys() == {"23505", "42601", "22012"}
    assert found["22012"].startswith("division by zero")
    assert 'unique constraint "items_email_key"' in found["23505"]


def test_a_code_for_a_type_gives_way_to_the_stack_trace(dumps: Path) -> None:
    assert [group.type for group in dumped(dumps, "domexception")] == ["AbortError"]


@pytest.mark.parametrize(
    ("code", "header", "language", "kind"),
    [
        ("20", "AbortError: gone", "nodejs", "AbortError"),
        ("E_CARD", "CardError: gone", "nodejs", "CardError"),
        ("23505", "error: gone", "nodejs", "error"),
        ("ECONNREFUSED", "Error: gone", "nodejs", "Error"),
        ("1062", "PDOException: gone", "php", "PDOException"),
        ("20", "", "nodejs", "20"),
        ("E_CARD", "", "", "E_CARD"),
    ],
)
def test_only_without_a_stack_trace_a_code_is_the_type(
    code: str, header: str, language: str, kind: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    stack = f"{header}\n    at f (/srv/shop/a.js:1:1)" if header else ""
    event = {"exception.type": code, "exception.message": "gone", "exception.stacktrace": stack}
    subject.accept(batch_of(span_of(status=2, trace_id=b"t", events=[("exception", event)]), language=language))
    assert [group.type for group in groups(insights)] == [kind]
    assert values_of(shown(subject, 1000.0), ERRORS, "type") == {(kind,): 1}


@pytest.mark.parametrize(
    ("event", "span", "kind", "message"),
    [
        ({"exception.message": "late"}, {}, "(unknown)", "late"),
        ({"exception.message": "late"}, {"message": "no answer"}, "(unknown)", "no answer: late"),
        ({"exception.message": "TimeoutError: late"}, {}, "TimeoutError", "TimeoutError: late"),
        ({"exception.message": "late"}, {"attributes": {"error.type": "a.b.LateError"}}, "LateError", "late"),
        ({"exception.message": "failed: SQLSTATE[42P01]"}, {}, "42P01", "failed: SQLSTATE[42P01]"),
        ({"exception.message": "connect ECONNREFUSED"}, {}, "ECONNREFUSED", "connect ECONNREFUSED"),
        ({"exception.stacktrace": "a.LateError: x\n\tat a.B.c(B.java:1)"}, {}, "LateError", ""),
        ({}, {"message": "no answer"}, "(unknown)", "no answer"),
        ({}, {}, "(no exception)", ""),
        (None, {"message": "rpc error: code = Unavailable desc = x"}, "Unavailable", None),
        (None, {"attributes": {"error.type": "500"}}, "500", ""),
        (None, {}, "(no exception)", ""),
    ],
)
def test_an_error_without_a_type_is_called_by_what_else_is_known(
    event: dict[str, str] | None, span: dict[str, Any], kind: str, message: str | None, span_of: Any, batch_of: Any
) -> None:
    insights = Insights()
    events = [] if event is None else [("exception", event)]
    pipeline(insights).accept(batch_of(span_of(status=2, trace_id=b"t", events=events, **span), language="java"))
    (group,) = groups(insights)
    assert group.type == kind
    assert message is None or group.message == message


def test_errors_with_only_a_message_are_told_apart_by_their_spans_too(span_of: Any, batch_of: Any) -> None:
    insights = Insights()
    event = [("exception", {"exception.message": "late"})]
    spans = [span_of(name, status=2, trace_id=name.encode(), events=event) for name in ("pay", "ship")]
    pipeline(insights).accept(batch_of(*spans))
    assert len(groups(insights)) == 2


@pytest.mark.parametrize(
    ("kind", "bare", "language"),
    [
        ("django.db.utils.IntegrityError", "IntegrityError", "python"),
        ("com.shop.Cart$EmptyException", "EmptyException", "java"),
        ("Shop.Orders+OrderException", "OrderException", "dotnet"),
        ("App\\Exceptions\\Empty", "Empty", "php"),
        ("ActiveRecord::RecordNotFound", "RecordNotFound", "ruby"),
        ("Elixir.Shop.EmptyError", "EmptyError", "erlang"),
        ("*github.com/shop/cart.EmptyError", "cart.EmptyError", "go"),
    ],
)
def test_an_event_and_a_log_record_of_one_exception_are_one_series_and_one_group(
    kind: str, bare: str, language: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    event = {"exception.type": kind, "exception.message": "none left"}
    subject.accept(
        batch_of(span_of(status=2, trace_id=b"t", span_id=b"s", events=[("exception", event)]), language=language)
    )
    log = record({**event, "exception.type": bare}, trace=b"u", span=b"s")
    subject.feed_logs(Origin("shop", language), [log], 1000.0)
    assert [(group.type, group.count) for group in groups(insights)] == [(bare, 2)]
    assert values_of(shown(subject, 1000.0), ERRORS, "type") == {(bare,): 2}


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("KeyError", "python", "KeyError"),
        ("shop.f.<locals>.Empty", "python", "Empty"),
        ("java.util.concurrent.CompletionException", "java", "CompletionException"),
        ("com.shop.Cart$1", "java", "Cart"),
        ("com.shop.Cart$Empty$", "java", "Empty"),
        ("Shop.Failure`1[[System.String]]", "dotnet", "Failure"),
        ("*errors.errorString", "go", "errors.errorString"),
        ("*url.Error", "", "url.Error"),
        ("net/url.Error", "go", "url.Error"),
        ("std::out_of_range", "cpp", "out_of_range"),
        ("500", "", "500"),
        ("E_CARD", "nodejs", "E_CARD"),
        ("_OTHER", "", "_OTHER"),
        ("", "", ""),
        ("connect: connection refused", "go", "connect: connection refused"),
        ("bob@example.com", "", "bob@example.com"),
        ("<class 'shop.Empty'>", "python", "Empty"),
        ("Shop.Box`1+Empty[System.String]", "dotnet", "Empty"),
        ("\\App\\Empty", "php", "Empty"),
        ("RuntimeException@anonymous\0/srv/r1/x.php:12$0", "php", "RuntimeException"),
        ("boost::wrapexcept<std::runtime_error>", "cpp", "wrapexcept"),
        ("Error [ERR_INVALID_ARG_TYPE]", "nodejs", "Error"),
        ("java.lang.IllegalStateException: order 1 is gone", "java", "IllegalStateException"),
    ],
)
def test_types_have_one_form(text: str, language: str, name: str) -> None:
    assert type_name(text, language) == name


@pytest.mark.parametrize(
    ("kind", "stack", "shown_as"),
    [
        ("eyJhbGciOi.c4nary.c4nary", "", "***"),
        ("java.lang.CartError: password=c4nary", "", "CartError"),
        ("", "-----BEGIN PRIVATE KEY-----\nc4nary\n-----END PRIVATE KEY-----", "(unknown)"),
        ("", "login of bob\nc4nary\nfailed", "(unknown)"),
        (
            "",
            'password is\nc4nary\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\nE: x',
            "(unknown)",
        ),
        ("", "E: c4nary", "E"),
    ],
)
@pytest.mark.parametrize("language", ["python", "java", "nodejs", "php", "ruby", "go", ""])
def test_no_part_of_a_secret_is_a_type(
    kind: str, stack: str, shown_as: str, language: str, span_of: Any, batch_of: Any
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    event = {"exception.type": kind, "exception.message": "gone", "exception.stacktrace": stack}
    subject.accept(batch_of(span_of(status=2, events=[("exception", event)]), language=language))
    (found,) = groups(insights)
    assert "c4nary" not in found.type
    if language in ("python", "java"):
        assert found.type == shown_as


DETAIL = "DETAIL:  Key ({0})=({1}@example.com) already exists."
SAME_PROBLEM = (
    ("IntegrityError", 'duplicate key value violates unique constraint "users_mail_key"\n' + DETAIL),
    ("IntegrityError", 'duplicate key value violates unique constraint "items_name_key"\n' + DETAIL),
    ("NotNullViolation", 'null value in column "name" of relation "items" violates not-null constraint'),
    ("NotNullViolation", 'null value in column "mail" of relation "items" violates not-null constraint'),
    ("IntegrityError", "(1062, \"Duplicate entry '{1}' for key 'items.name'\")"),
    ("IntegrityError", "(1062, \"Duplicate entry '{1}' for key 'users.mail'\")"),
    ("IntegrityError", "NOT NULL constraint failed: items.{0}"),
    ("ModuleNotFoundError", "No module named 'foo'"),
    ("ModuleNotFoundError", "No module named 'bar'"),
    ("AttributeError", "'NoneType' object has no attribute 'id'"),
    ("AttributeError", "'NoneType' object has no attribute 'name'"),
    ("UndefinedTable", 'relation "items" does not exist'),
    ("UndefinedTable", 'relation "users" does not exist'),
    ("SqlException", "Cannot insert duplicate key in object 'dbo.items'. The duplicate key value is ({1})."),
    ("SqlException", "Cannot insert duplicate key in object 'dbo.users'. The duplicate key value is ({1})."),
    ("OSError", "[Errno 111] to {1}.example.com:{2} refused"),
    ("OSError", "[Errno 113] to {1}.example.com:{2} refused"),
    ("KeyError", "'{1}'"),
)


def test_names_and_codes_in_messages_tell_problems_apart_and_values_do_not(span_of: Any, batch_of: Any) -> None:
    insights = Insights()
    subject = pipeline(insights)
    for number, (kind, message) in enumerate(SAME_PROBLEM):
        for who in ("bob", "eve"):
            text = message.format("name", who, 1000 + len(who)) if kind != "OSError" else message.format("", "db", 17)
            event = {"exception.type": kind, "exception.message": text}
            trace = f"{number}{who}".encode()
            subject.accept(batch_of(span_of(status=2, trace_id=trace, events=[("exception", event)])))
    found = groups(insights)
    assert sorted(group.count for group in found) == [2] * len(SAME_PROBLEM)
