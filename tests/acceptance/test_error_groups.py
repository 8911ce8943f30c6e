"""Error groups of a real sidecar: resolved over the API, and kept in the state file whatever ends the process."""

import asyncio
import os
import signal
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tests.servers import Sidecar, get_json
from tests.unit.spans.conftest import attributes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

KILLS = 5
LONGEST_LIFE_SECONDS = 2.0
MISSING_SECONDS = 2.5
"""A second until what is due is looked at, one until it is written, and some."""
AT_ONCE = "queries: {n_plus_one: {grace_seconds: 0}}\n"
PAUSE_SECONDS = 0.02
NUMBERS = count(1)
RESOURCE = Resource(attributes=attributes({"service.name": "shop"}))


def sidecar_in(folder: Path) -> Sidecar:
    return Sidecar(folder, "state: {path: state.db}\n" + AT_ONCE, {"ADMIN": "true"})


def failure(kind: str, number: int) -> ExportTraceServiceRequest:
    """Return a request with a span that failed just now."""
    now = time.time_ns()
    error = Span.Event(name="exception", attributes=attributes({"exception.type": kind, "exception.message": "x"}))
    span = Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name="GET /a",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=now,
        end_time_unix_nano=now,
        events=[error],
        status=Status(code=Status.STATUS_CODE_ERROR),
    )
    group = ResourceSpans(resource=RESOURCE, scope_spans=[ScopeSpans(spans=[span])])
    return ExportTraceServiceRequest(resource_spans=[group])


async def post(session: aiohttp.ClientSession, url: str, message: Message) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    async with session.post(url, data=message.SerializeToString(), headers=headers) as response:
        assert response.status == 200


async def fail(session: aiohttp.ClientSession, sidecar: Sidecar, kind: str) -> int:
    """Have an error happen; return the number of its span."""
    number = next(NUMBERS)
    await post(session, f"{sidecar.otlp_url}/v1/traces", failure(kind, number))
    return number


async def log(session: aiohttp.ClientSession, sidecar: Sidecar, kind: str, number: int) -> None:
    """Send the log record that an app writes about the error of span `number`."""
    record = LogRecord(
        time_unix_nano=time.time_ns(),
        severity_number=SEVERITY_NUMBER_ERROR,
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        attributes=attributes({"exception.type": kind, "exception.message": "x"}),
    )
    group = ResourceLogs(resource=RESOURCE, scope_logs=[ScopeLogs(log_records=[record])])
    await post(session, f"{sidecar.otlp_url}/v1/logs", ExportLogsServiceRequest(resource_logs=[group]))


async def groups_of(sidecar: Sidecar) -> dict[str, dict[str, Any]]:
    answer = await get_json(f"{sidecar.page_url}api/v1/errors", fields="type,state,count")
    return {item["type"]: item for item in answer["items"]}


async def say(session: aiohttp.ClientSession, sidecar: Sidecar, group: dict[str, Any], what: str) -> str:
    url = f"{sidecar.page_url}api/v1/errors/{group['id']}/{what}"
    async with session.post(url, json={}) as response:
        assert response.status == 200
        state: str = (await response.json())["state"]
        return state


async def states_of(sidecar: Sidecar) -> dict[str, str]:
    return {kind: group["state"] for kind, group in (await groups_of(sidecar)).items()}


async def test_what_was_said_of_a_group_survives_a_restart_and_what_comes_back_is_regressed(tmp_path: Path) -> None:
    sidecar = sidecar_in(tmp_path)
    async with aiohttp.ClientSession() as session:
        with sidecar:
            for kind in ("Open", "Solved", "Harmless"):
                await fail(session, sidecar, kind)
            groups = await groups_of(sidecar)
            assert await say(session, sidecar, groups["Solved"], "resolve") == "resolved"
            assert await say(session, sidecar, groups["Harmless"], "ignore") == "ignored"
        with sidecar:
            assert await states_of(sidecar) == {"Open": "new", "Solved": "resolved", "Harmless": "ignored"}
            for kind in ("Solved", "Harmless"):
                await fail(session, sidecar, kind)
            assert await states_of(sidecar) == {"Open": "new", "Solved": "regressed", "Harmless": "ignored"}
            assert await say(session, sidecar, groups["Harmless"], "reopen") == "new"
            assert {kind: group["count"] for kind, group in (await groups_of(sidecar)).items()} == {
                "Open": 1,
                "Solved": 2,
                "Harmless": 2,
            }


@pytest.mark.alone("what is written a second later")
async def test_at_most_the_last_seconds_are_missing_after_a_kill(tmp_path: Path) -> None:
    sidecar, random, before = sidecar_in(tmp_path), Random(1), 0.0
    async with aiohttp.ClientSession() as session:
        for _ in range(KILLS):
            sidecar.start()
            async with failing(session, sidecar) as sent_at:
                await asyncio.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
                killed_at = time.monotonic()
                os.kill(sidecar.pid, signal.SIGKILL)
            sidecar.stop()
            with sidecar:
                group = (await groups_of(sidecar)).get("Error", {"count": 0})
            due = before + sum(at < killed_at - MISSING_SECONDS for at in sent_at)
            assert due <= group["count"] <= before + len(sent_at) + 1
            before = group["count"]
    assert before


@asynccontextmanager
async def failing(session: aiohttp.ClientSession, sidecar: Sidecar) -> AsyncIterator[list[float]]:
    """Send errors one after the other, and note when each was taken."""
    taken_at: list[float] = []

    async def send() -> None:
        with suppress(aiohttp.ClientError):
            while True:
                await fail(session, sidecar, "Error")
                taken_at.append(time.monotonic())
                await asyncio.sleep(PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send())
        yield taken_at
        sending.cancel()
        with suppress(CancelledError):
            await sending


async def test_an_error_that_comes_on_a_span_and_as_a_log_record_counts_once(tmp_path: Path) -> None:
    with Sidecar(tmp_path, AT_ONCE) as sidecar:
        async with aiohttp.ClientSession() as session:
            number = await fail(session, sidecar, "Open")
            await log(session, sidecar, "Open", number)
            assert (await groups_of(sidecar))["Open"]["count"] == 1
            await log(session, sidecar, "Open", next(NUMBERS))
            assert (await groups_of(sidecar))["Open"]["count"] == 2


async def test_without_a_state_file_groups_are_there_until_the_end(tmp_path: Path) -> None:
    sidecar = Sidecar(tmp_path, AT_ONCE)
    async with aiohttp.ClientSession() as session:
        with sidecar:
            await fail(session, sidecar, "Open")
            assert await states_of(sidecar) == {"Open": "new"}
        with sidecar:
            assert await states_of(sidecar) == {}
