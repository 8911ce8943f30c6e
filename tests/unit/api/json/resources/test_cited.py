"""The evidence of a finding about queries is shown, though nothing else would keep the trace."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sidecar.app.registry import SPAN_STAGES
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.store import TraceStore
from tests.unit.api.json.resources.test_insights import Client, World
from tests.unit.spans.conftest import batch_of, span_of
from tests.unit.spans.queries.conftest import query_of, root_of

__all__ = ["batch_of", "query_of", "root_of", "span_of"]


async def test_a_finding_leads_to_its_trace(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], query_of: Any, root_of: Any, batch_of: Any
) -> None:
    world = World()
    redactor = Redactor(RedactConfig())
    world.traces = TraceStore(TracesConfig(sample_ratio=0, slowest_per_endpoint=0), redactor)
    world.insights = Insights(None, redactor, world.traces.link_error_group, evidence=world.traces)
    world.traces.consult(lambda now: world.insights.look(now))
    world.pipeline = pipeline_of(SpansConfig(), world.insights, SPAN_STAGES, (world.traces,))
    world.receive(batch_of, root_of(), *[query_of(at=0.02 * number, number=number + 1) for number in range(6)])
    await world.serve(aiohttp_client)
    (found,) = (await world.get("query-findings"))["items"]
    trace = await world.get(found["trace"])
    assert trace["reason"] == "cited"
    assert trace["spans"] == 7
