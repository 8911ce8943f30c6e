"""Secrets and personal data that an app sends are in no answer, page, log or file; with `forward.redact` none go on."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from yarl import URL

from sidecar.codec.otlp.signal import LOGS, METRICS, TRACES
from tests.otlp_ends import PROTOCOLS, WAYS, Protocol, Recorder, Way, recording, sending
from tests.servers import Sidecar, eventually, get_json, get_text, samples_of
from tests.unit.codec.otlp_messages import official_of
from tests.unit.deliver.test_otlp_grpc import failing
from tests.unit.deliver.upstreams import answering

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CANARY = "c4nary"
CONFIG = """
scrape_interval_seconds: 0.3
log: {level: debug}
traces: {decide_after_seconds: 0.2, sample_ratio: 1}
state: {path: "${STATE}"}
forward:
  endpoint: "${UPSTREAM}"
  protocol: "${PROTOCOL}"
  redact: true
  spill_max_bytes: 67108864
"""
MAIL = f"{CANARY}.jane@example.com"
BEARER = f"Bearer {CANARY}Token0123456789"
STATEMENT = f"SELECT a FROM t WHERE b = '{CANARY}' AND c = 7"
TEXTS = {
    "mail": f"sent to {MAIL}",
    "note": f"with Authorization: {BEARER}",
    "db.query.text": STATEMENT,
    "db.statement": STATEMENT,
    "url.full": f"https://jane:{CANARY}@shop.example.com/a?access_token={CANARY}&mail={MAIL}",
    "url.query": f"password={CANARY}",
    "http.request.header.authorization": BEARER,
    "http.request.header.cookie": CANARY,
    "user.email": MAIL,
    "enduser.id": CANARY,
    "session.id": CANARY,
    "db.query.parameter.0": CANARY,
}
MESSAGE = f"no {MAIL}, {BEARER}\n[SQL: {STATEMENT}]\n[parameters: ('{CANARY}',)]"
STACK = f'Traceback (most recent call last):\n  File "/app/shop/orders.py", line 7, in place\nKeyError: {MESSAGE}'


def text_value(text: str) -> Any:
    return {"stringValue": text}


def attributes(**more: str) -> list[Any]:
    """Return all TEXTS, one deep in lists and maps, and `more`."""
    plain = [{"key": key.replace("__", "."), "value": text_value(text)} for key, text in (TEXTS | more).items()]
    pairs = {"kvlistValue": {"values": [{"key": "password", "value": text_value(CANARY)}]}}
    return [*plain, {"key": "deep", "value": {"arrayValue": {"values": [pairs, text_value(MAIL)]}}}]


SCOPE = {"name": "shop", "attributes": attributes()}
RESOURCE = {"attributes": attributes(service__name="shop")}
EXCEPTION = {"exception__message": MESSAGE, "exception__stacktrace": STACK}


def spans(way: Way) -> Any:
    """Return a failed request and ten equal queries in it, with a canary wherever a text can stand."""
    trace_id = {"protobuf": "aa", "json": "bb", "grpc": "cc"}[way] * 16
    times = {"startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000300000000"}
    root = {
        "spanId": "aa" * 8,
        "name": f"GET /orders?mail={MAIL}",
        "kind": 2,
        "attributes": attributes(http__request__method="GET", http__route="/orders"),
        "events": [
            {"name": "exception", "attributes": attributes(exception__type="KeyError", **EXCEPTION)},
            {"name": f"mail to {MAIL}", "attributes": attributes()},
        ],
        "status": {"code": 2, "message": MESSAGE},
        "links": [{"traceId": trace_id, "spanId": "ee" * 8, "attributes": attributes()}],
        "traceState": f"mail={MAIL}",
    }
    inner = {"parentSpanId": "aa" * 8, "attributes": attributes(db__system__name="postgresql")}
    queries = [{"spanId": f"{number}" * 8, "name": STATEMENT, "kind": 3, **inner} for number in range(10, 20)]
    items = [{"traceId": trace_id, **times, **span} for span in (root, *queries)]
    group = {"resource": RESOURCE, "scopeSpans": [{"scope": SCOPE, "spans": items}]}
    return official_of(TRACES, {"resourceSpans": [group]})


def records(way: Way) -> Any:
    """Return a log record of an exception, and one whose body is a map."""
    items = [
        {
            "severityNumber": 17,
            "body": text_value(MESSAGE),
            "attributes": attributes(exception__type=f"By{way}", **EXCEPTION),
        },
        {"severityNumber": 9, "body": {"kvlistValue": {"values": attributes()}}, "attributes": attributes()},
    ]
    return official_of(
        LOGS, {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": SCOPE, "logRecords": items}]}]}
    )


def points(way: Way) -> Any:
    """Return a metric with a series of its own for each `way`."""
    labels = attributes(way=way)
    exemplar = {"asInt": "1", "filteredAttributes": attributes()}
    metric = {
        "name": "orders",
        "metadata": attributes(),
        "gauge": {"dataPoints": [{"asInt": "1", "attributes": labels, "exemplars": [exemplar]}]},
    }
    return official_of(
        METRICS, {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"scope": SCOPE, "metrics": [metric]}]}]}
    )


REQUESTS = {TRACES: spans, LOGS: records, METRICS: points}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_canaries_are_in_no_answer_page_log_or_file_and_do_not_go_on(tmp_path: Path, protocol: Protocol) -> None:
    async with recording() as upstream:
        upstream.http.answer, upstream.grpc.answer = answering(503), failing(StatusCode.UNAVAILABLE)
        env = {"STATE": str(tmp_path / "state.db"), "UPSTREAM": upstream.urls[protocol], "PROTOCOL": protocol}
        with Sidecar(tmp_path, CONFIG, env) as sidecar:
            await send_everything(sidecar)
            await eventually(lambda: metrics_of(sidecar), is_told)
            shown = [answer async for answer in answers_of(sidecar)]
            kept = [file.read_bytes().decode(errors="replace") for file in state_files(tmp_path)]
            upstream.http.answer = upstream.grpc.answer = None
            upstream.forget()
            await eventually(lambda: metrics_of(sidecar), lambda samples: sent_by(samples) == 9)
        assert_clean({**dict(shown), "state": "".join(kept), "log": sidecar.log})
        assert_masked_and_whole(upstream)


async def send_everything(sidecar: Sidecar) -> None:
    async with sending(sidecar) as sender:
        for way in WAYS:
            for signal, make in REQUESTS.items():
                await sender.send(signal, make(way), way)


async def metrics_of(sidecar: Sidecar) -> dict[str, float]:
    return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])


def sent_by(samples: dict[str, float]) -> float:
    return sum(value for name, value in samples.items() if name.startswith("sidecar_otlp_forward_sent_requests_total"))


def is_told(samples: dict[str, float]) -> bool:
    """Return whether everything was counted, decided and written to disk."""
    counted = {
        "sidecar_otlp_forward_spilled_requests_total": 9,
        "sidecar_errors_total": 6,
        "traces_span_metrics_calls_total": 33,
        "orders": 3,
        "sidecar_traces_kept_total": 3,
    }
    sums = {start: sum(value for name, value in samples.items() if name.startswith(start)) for start in counted}
    return sums == counted


def state_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("state.db*"))


async def answers_of(sidecar: Sidecar) -> AsyncIterator[tuple[str, str]]:
    """Yield everything that can be asked for, by its URL."""
    pages = [f"{sidecar.url}/{path}" for path in ("metrics", "livez?verbose", "readyz?verbose", "startupz?verbose")]
    pages += [sidecar.page_url, *(f"{sidecar.page_url}api/v1/{path}" for path in PROMETHEUS)]
    for url in pages:
        yield url, (await get_text(url))[1]
    document = await get_json(f"{sidecar.page_url}api/v1/openapi.json")
    for path in (path for path, item in document["paths"].items() if "get" in item and "{" not in path):
        async for url, answer in pages_of(f"{sidecar.page_url.rstrip('/')}{path}"):
            yield url, json.dumps(answer)
            for item in answer["items"]:
                for other in (other for other in document["paths"] if other.startswith(f"{path}/{{id}}")):
                    url = f"{sidecar.page_url.rstrip('/')}{other.format(id=item['id'])}"
                    yield url, (await get_text(url))[1]


PROMETHEUS = (
    "labels",
    "label/__name__/values",
    "label/span_name/values",
    "series?match[]={__name__=~'.%2B'}",
    "query?query={__name__=~'.%2B'}",
    "metadata",
    "targets",
    "rules",
    "alerts",
)


async def pages_of(url: str) -> AsyncIterator[tuple[str, Any]]:
    """Yield the pages of a list."""
    following: str | None = url
    while following:
        answer = await get_json(following)
        yield following, answer
        following = answer["next"] and str(URL(url).join(URL(answer["next"])))


def assert_clean(texts: dict[str, str]) -> None:
    """Fail on texts that have the canary, and if there is nothing in them at all."""
    assert {where: around(text) for where, text in texts.items() if CANARY in text.lower()} == {}
    everything = "".join(texts.values())
    for expected in ("***", "SELECT a FROM t WHERE b = ? AND c = ?", "KeyError", "GET /orders", "Bygrpc"):
        assert expected in everything


def around(text: str) -> str:
    at = text.lower().index(CANARY)
    return text[max(0, at - 150) : at + 50]


def assert_masked_and_whole(upstream: Recorder) -> None:
    """Fail unless every item came, without canaries and with what is no secret."""
    assert not [body for body in upstream.bodies() if CANARY.encode() in body.lower()]
    assert [upstream.items(signal).total() for signal in (TRACES, LOGS, METRICS)] == [33, 6, 3]
    for message in upstream.received(TRACES):
        (group,) = message.resource_spans
        assert [pair.value.string_value for pair in group.resource.attributes if pair.key == "service.name"] == ["shop"]
        root = group.scope_spans[0].spans[0]
        found = {pair.key: pair.value.string_value for pair in root.attributes}
        assert found["db.query.text"] == "SELECT a FROM t WHERE b = ? AND c = ?"
        assert found["mail"] == "sent to ***"
        assert found["http.route"] == "/orders"
        assert root.events[0].attributes[0].key == "mail"
