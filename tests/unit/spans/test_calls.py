"""Outgoing HTTP, messaging and caches: by the attribute names of every convention."""

from typing import Any

import pytest

from sidecar.spans.calls import host_of_url
from tests.unit.spans.pipelines import OPERATIONS, pipeline, shown

OUTGOING = "sidecar_http_client_requests_total"
MESSAGES = "sidecar_messaging_operations_total"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"http.request.method": "POST", "server.address": "pay.example.com", "http.response.status_code": 201},
            ("pay.example.com", "POST", "2xx"),
        ),
        ({"http.method": "GET", "net.peer.name": "a", "http.status_code": 404}, ("a", "GET", "4xx")),
        ({"http.method": "GET", "http.host": "a:8080"}, ("a", "GET", "(none)")),
        ({"http.method": "GET", "http.host": "[::1]:8080"}, ("[::1]", "GET", "(none)")),
        ({"http.method": "GET", "server.address": "2001:db8::1"}, ("2001:db8::1", "GET", "(none)")),
        ({"http.method": "GET", "http.url": "https://u:p@a.example:8443/x?y=1"}, ("a.example", "GET", "(none)")),
        ({"http.method": "GET", "http.url": "https://b/", "net.peer.name": "a"}, ("a", "GET", "(none)")),
        (
            {"http.method": "GET", "peer.service": "payments", "server.address": "10.0.0.1"},
            ("payments", "GET", "(none)"),
        ),
        ({"http.request.method": "GET"}, ("(none)", "GET", "(none)")),
    ],
)
def test_an_outgoing_request_is_counted_by_its_peer(
    span_of: Any, batch_of: Any, values_of: Any, attributes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(kind="CLIENT", seconds=0.05, attributes=attributes)))
    families = shown(subject, 1000.0)
    assert values_of(families, OUTGOING, "service", "peer", "method", "status_class") == {("shop", *expected): 1}
    found = values_of(families, "sidecar_http_client_request_duration_seconds_sum", "peer")
    assert found == {(expected[0],): pytest.approx(0.05)}


def test_urls_that_all_differ_are_one_series_and_one_shape(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    urls = [f"http://a/{number}" for number in range(500)]
    subject.accept(
        batch_of(*[span_of(kind="CLIENT", attributes={"http.method": "GET", "http.url": url}) for url in urls])
    )
    assert values_of(shown(subject, 1000.0), OUTGOING, "peer") == {("a",): 500}
    assert len(subject._observer._shapes) == 1


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (b"http://a", b"a"),
        (b"http://a?x=http://b", b"a"),
        (b"http://a#b@c", b"a"),
        (b"http://u@v@a:1/", b"a:1"),
        (b"/path", b""),
        (b"", b""),
        (b"http://", b""),
    ],
)
def test_of_a_url_only_the_host_is_left(url: bytes, host: bytes) -> None:
    assert host_of_url(url) == host


def test_what_is_served_and_databases_over_http_are_no_outgoing_requests(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    search = {"http.request.method": "POST", "db.system.name": "elasticsearch", "db.operation.name": "search"}
    subject = pipeline()
    subject.accept(
        batch_of(span_of(attributes={"http.request.method": "GET"}), span_of(kind="CLIENT", attributes=search))
    )
    families = shown(subject, 1000.0)
    assert values_of(families, OUTGOING, "peer") == {}
    assert values_of(families, OPERATIONS, "system", "operation") == {("elasticsearch", "search"): 1}


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (
            "PRODUCER",
            {
                "messaging.operation.name": "publish",
                "messaging.operation.type": "send",
                "messaging.destination.name": "q",
            },
            ("publish", "q"),
        ),
        ("CONSUMER", {"messaging.operation.type": "process", "messaging.destination.name": "q"}, ("process", "q")),
        ("CONSUMER", {"messaging.operation": "receive", "messaging.destination": "q"}, ("receive", "q")),
        ("CLIENT", {"messaging.operation.name": "ack", "messaging.destination.name": "q"}, ("ack", "q")),
        ("PRODUCER", {"messaging.destination.name": "q"}, ("send", "q")),
        ("CONSUMER", {}, ("process", "(none)")),
        (
            "CONSUMER",
            {"messaging.destination.template": "/users/{id}", "messaging.destination.name": "/users/7"},
            ("process", "/users/{id}"),
        ),
        (
            "CONSUMER",
            {"messaging.destination.name": "amq.gen-7", "messaging.destination.temporary": True},
            ("process", "(temporary)"),
        ),
        (
            "CONSUMER",
            {"messaging.destination.name": "amq.gen-7", "messaging.destination.anonymous": True},
            ("process", "(anonymous)"),
        ),
        (
            "CONSUMER",
            {"messaging.destination.name": "q", "messaging.destination.temporary": False},
            ("process", "q"),
        ),
    ],
)
def test_a_message_is_counted_by_operation_and_destination(
    span_of: Any, batch_of: Any, values_of: Any, kind: str, attributes: dict[str, Any], expected: tuple[str, str]
) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(kind=kind, seconds=2, attributes={"messaging.system": "kafka", **attributes})))
    families = shown(subject, 1000.0)
    assert values_of(families, MESSAGES, "system", "operation", "destination") == {("kafka", *expected): 1}
    found = values_of(families, "sidecar_messaging_operation_duration_seconds_count", "service", "operation")
    assert found == {("shop", expected[0]): 1}


@pytest.mark.parametrize("system", ["redis", "valkey", "memcached"])
@pytest.mark.parametrize(
    "attributes", [{"db.system.name": "", "db.operation.name": "GET"}, {"db.system": "", "db.statement": "GET ?"}]
)
def test_a_cache_is_counted_by_command(
    span_of: Any, batch_of: Any, values_of: Any, system: str, attributes: dict[str, str]
) -> None:
    subject = pipeline()
    given = {key: value or system for key, value in attributes.items()}
    subject.accept(batch_of(span_of("GET", kind="CLIENT", attributes=given)))
    assert values_of(shown(subject, 1000.0), OPERATIONS, "system", "operation") == {(system, "GET"): 1}


def test_addresses_of_clients_tell_no_served_requests_apart(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    spans = [
        span_of(attributes={"http.method": "GET", "http.host": f"h{number}", "net.peer.name": f"c{number}"})
        for number in range(100)
    ]
    subject.accept(batch_of(*spans))
    assert len(subject._observer._shapes) == 1
