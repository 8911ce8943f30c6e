"""Which spans count as errors: what their status says counts, and where it is not set what HTTP and RPC say."""

from typing import Any

import pytest

from sidecar.model.span import SpanKind
from sidecar.spans.shape import shape_of
from tests.unit.spans.pipelines import ERRORS, pipeline, shown
from tests.unit.spans.traces.building import Fed, span

UNSET, OK, ERROR = 0, 1, 2
CODES = ("http.response.status_code", "http.status_code")
GRPC = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
FAULTS_OF_SERVERS = {2, 4, 12, 13, 14, 15}
FAILED_BY_CODE = {SpanKind.SERVER: 500, SpanKind.CONSUMER: 500, SpanKind.CLIENT: 400, SpanKind.PRODUCER: 400}


def failed(kind: SpanKind, status: int, **attributes: Any) -> bool:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return shape_of("shop", "op", kind, status, named, {}).failed


@pytest.mark.parametrize("key", CODES)
@pytest.mark.parametrize("kind", SpanKind)
@pytest.mark.parametrize("code", [200, 302, 399, 400, 404, 499, 500, 503])
def test_http_judges_only_what_has_no_status_and_only_by_its_side(kind: SpanKind, key: str, code: int) -> None:
    attributes = {key: code}
    for said in (code, str(code), float(code)):
        assert shape_of("", "", kind, UNSET, {key: said}, {}).failed is (code >= FAILED_BY_CODE.get(kind, 1000))
    assert not shape_of("", "", kind, OK, attributes, {}).failed
    assert shape_of("", "", kind, ERROR, attributes, {}).failed


@pytest.mark.parametrize(("number", "name"), [*enumerate(GRPC)])
def test_codes_of_grpc_judge_by_their_side_under_each_name(number: int, name: str) -> None:
    for said in (
        {"rpc__grpc__status_code": number},
        {"rpc__grpc__status_code": str(number)},
        {"rpc__grpc__status_code": float(number)},
        {"rpc__response__status_code": name.title().replace("_", "")},
        {"rpc__response__status_code": name},
        {"rpc__connect_rpc__error_code": name.lower()},
    ):
        assert failed(SpanKind.SERVER, UNSET, http__status_code=200, **said) is (number in FAULTS_OF_SERVERS), said
        assert failed(SpanKind.CLIENT, UNSET, **said) is (number != 0), said
        assert not failed(SpanKind.INTERNAL, UNSET, **said)
        assert not failed(SpanKind.SERVER, OK, **said)


@pytest.mark.parametrize("code", ["99", "20", "", "SHRUG", "0.5"])
def test_a_code_that_is_not_known_says_nothing(code: str) -> None:
    assert not failed(SpanKind.CLIENT, UNSET, rpc__response__status_code=code)


def test_errors_of_json_rpc_are_failures_on_both_sides() -> None:
    for kind in (SpanKind.CLIENT, SpanKind.SERVER):
        assert failed(kind, UNSET, rpc__jsonrpc__error_code=-32601)


def test_connect_spells_cancelled_its_own_way() -> None:
    assert failed(SpanKind.CLIENT, UNSET, rpc__connect_rpc__error_code="canceled")
    assert not failed(SpanKind.SERVER, UNSET, rpc__connect_rpc__error_code="canceled")


@pytest.mark.parametrize(("kind", "code"), [("SERVER", 500), ("CLIENT", 404)])
@pytest.mark.parametrize("status", [UNSET, OK])
def test_status_ok_is_no_error_in_any_metric(
    kind: str, code: int, status: int, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    attributes = {"http.request.method": "GET", "http.response.status_code": code, "http.route": "/a"}
    subject.accept(batch_of(span_of(kind=kind, status=status, attributes=attributes)))
    families = shown(subject, 1000.0)
    assert sum(values_of(families, ERRORS, "type").values()) == (status == UNSET)
    ratio = values_of(families, "sidecar_endpoint_error_ratio", "route")
    assert ratio == ({("/a",): float(status == UNSET)} if kind == "SERVER" else {})


@pytest.mark.parametrize("status", [UNSET, OK])
def test_status_ok_is_no_reason_to_keep_a_trace(status: int) -> None:
    fed = Fed(sample_ratio=1, slowest_per_endpoint=0)
    served = span(1, 1, attributes={"http.request.method": "GET", "http.response.status_code": 500})
    served.status.code = status  # type: ignore[assignment]
    fed.give(served)
    fed.wait(6)
    (summary,) = fed.summaries()
    assert (summary.failed, summary.errors) == (status == UNSET, int(status == UNSET))


def test_spans_of_a_kind_that_is_left_out_are_judged_alike(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(kinds=["server"])
    code = {"http.status_code": 404}
    spans = [span_of(kind=kind, status=status, attributes=code) for kind in ("CLIENT", "INTERNAL") for status in (0, 1)]
    subject.accept(batch_of(*spans))
    assert sum(values_of(shown(subject, 1000.0), ERRORS, "type").values()) == 1
