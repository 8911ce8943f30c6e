"""What tells endpoints apart where HTTP's method and route do not."""

from typing import Any

import pytest

from tests.unit.spans.pipelines import REQUESTS, pipeline, shown
from tests.unit.spans.traces.building import Fed, span

RATE = "sidecar_endpoint_requests_per_second"
MESSAGES = "sidecar_messaging_operations_total"
HTTP = {"http.request.method": "POST", "http.response.status_code": 200}
UNIMPLEMENTED = "{unimplementedService}/{unimplementedMethod:grpcunimplemented}"


def endpoints(values_of: Any, batch_of: Any, *spans: Any) -> tuple[set[Any], dict[Any, float]]:
    subject = pipeline()
    subject.accept(batch_of(*spans))
    families = shown(subject, 1000.0)
    return set(values_of(families, RATE, "method", "route")), values_of(
        families, REQUESTS, "route", "method", "status_class"
    )


@pytest.mark.parametrize(
    "said",
    [
        {"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "{}"},
        {"rpc.system.name": "grpc", "rpc.method": "shop.Cart/{}"},
        {"rpc.system": "connect_rpc", "rpc.service": "shop.Cart", "rpc.method": "{}"},
        {"rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "{}", "http.route": UNIMPLEMENTED},
    ],
)
@pytest.mark.parametrize("name", ["shop.Cart/{}", "POST /shop.Cart/{}", "POST"])
def test_rpcs_over_http_are_endpoints_by_service_and_method(
    name: str, said: dict[str, str], span_of: Any, batch_of: Any, values_of: Any
) -> None:
    spans = [
        span_of(name.format(method), attributes=HTTP | {key: text.replace("{}", method) for key, text in said.items()})
        for method in ("Add", "Remove")
    ]
    found, requests = endpoints(values_of, batch_of, *spans)
    assert found == {("", "shop.Cart/Add"), ("", "shop.Cart/Remove")}
    assert requests == {("shop.Cart/Add", "POST", "2xx"): 1, ("shop.Cart/Remove", "POST", "2xx"): 1}


def test_a_kept_trace_has_the_same_endpoint() -> None:
    fed = Fed(sample_ratio=1)
    fed.give(span(1, 1, name="POST", attributes=HTTP | {"rpc.service": "shop.Cart", "rpc.method": "Add"}))
    fed.wait(6)
    assert [(summary.method, summary.route) for summary in fed.summaries()] == [("", "shop.Cart/Add")]


def test_what_is_called_by_rpc_is_told_apart_by_the_name_of_its_span(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("shop.Cart/Add", "CLIENT", attributes={"rpc.method": "shop.Cart/Add"})))
    families = shown(subject, 1000.0)
    assert {name for (name,) in values_of(families, "sidecar_dependency_latency_seconds", "span_name")} == {
        "shop.Cart/Add"
    }


@pytest.mark.parametrize("scheme", ["http.scheme", "url.scheme"])
@pytest.mark.parametrize("value", ["ws", "wss"])
def test_a_websocket_without_method_and_status_is_counted(
    scheme: str, value: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    spans = [
        span_of("HTTP /wsfail", status=2, attributes={"http.route": "/wsfail", scheme: value}),
        span_of("/ws/7f3a", attributes={scheme: value}),
        span_of("job", attributes={scheme: "http"}),
    ]
    found, requests = endpoints(values_of, batch_of, *spans)
    assert found == {("_OTHER", "/wsfail"), ("_OTHER", "(no route)"), ("", "job")}
    assert requests == {("/wsfail", "_OTHER", "(none)"): 1, ("(no route)", "_OTHER", "(none)"): 1}


@pytest.mark.parametrize("destination", ["messaging.destination", "messaging.destination.name"])
def test_messages_without_a_system_are_counted_by_destination(
    destination: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    attributes = {destination: "celery", "messaging.destination_kind": "queue"}
    spans = [
        span_of("apply_async/t", "PRODUCER", attributes=attributes),
        span_of("run/t", "CONSUMER", attributes=attributes),
    ]
    subject.accept(batch_of(*spans))
    found = values_of(shown(subject, 1000.0), MESSAGES, "system", "operation", "destination")
    assert found == {("(none)", "send", "celery"): 1, ("(none)", "process", "celery"): 1}


def test_queues_of_one_message_are_not_an_endpoint_each(span_of: Any, batch_of: Any, values_of: Any) -> None:
    spans = [
        span_of(
            f"process reply-{number}",
            "CONSUMER",
            attributes={"messaging.destination.name": f"reply-{number}", **more},
        )
        for number in range(3)
        for more in ({"messaging.destination.temporary": True}, {"messaging.destination.template": "reply-{id}"})
    ]
    found, _ = endpoints(values_of, batch_of, *spans)
    assert found == {("", "process (temporary)"), ("", "process reply-{id}")}


def test_graphql_and_functions_are_endpoints_by_what_the_server_knows(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    spans = [
        span_of("POST /graphql", attributes=HTTP | {"http.route": "/graphql", "graphql.operation.name": f"q{number}"})
        for number in range(9)
    ]
    timer = span_of("nightly", "SERVER", attributes={"faas.trigger": "timer", "faas.invocation_id": "7"})
    found, _ = endpoints(values_of, batch_of, *spans, timer)
    assert found == {("POST", "/graphql"), ("", "nightly")}
