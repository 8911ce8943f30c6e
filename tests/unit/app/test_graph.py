"""The table where the links of alerts lead."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.config import ApiConfig
from sidecar.api.local import LocalContent, local_app
from sidecar.api.page.overview import Overview
from sidecar.app.build import build_stores
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import lay_foundation
from sidecar.app.graph import MOST_ROWS, graph
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, labels_of
from sidecar.model.sample import SampleBatch
from sidecar.rules.template_functions import table_link
from tests.fakes import FakeClock


async def nothing() -> None:
    pass


@pytest.fixture
async def client(aiohttp_client: Callable[..., Awaitable[TestClient]]) -> TestClient:  # type: ignore[type-arg]
    base = lay_foundation(SidecarConfig(), FakeClock())
    stores = build_stores(SidecarConfig(), base)
    samples = [Sample("m", labels_of({"a": "<b>&"}), 1.5), Sample("m", labels_of({"a": "other"}), 2)]
    many = [Sample("many", labels_of({"n": str(number)}), number) for number in range(MOST_ROWS + 5)]
    families = [
        FamilySamples(Family(name, MetricType.GAUGE, ""), some) for name, some in (("m", samples), ("many", many))
    ]
    stores.head.accept(SampleBatch("test", int(base.clock.now() * 1000), EMPTY, families))
    content = LocalContent(
        lambda: Overview("", "", ()), (), lambda error: None, nothing,
        partial(graph, queries=stores.queries, clock=base.clock),
    )  # fmt: skip
    return await aiohttp_client(local_app(content, ApiConfig()))


async def test_the_link_of_an_alert_shows_the_present_value_of_its_expression(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = await client.get(table_link('m{a!="other"} > 1'))
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "<td>m{a=&quot;&lt;b&gt;&amp;&quot;}</td><td>1.5</td>" in text
    assert "m{a!=&quot;other&quot;} &gt; 1" in text
    assert "<b>" not in text
    assert "<script" not in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("expression", "status", "shown"),
    [
        ("", 400, "No expression"),
        ("m{", 400, "unexpected end of input"),
        ("(" * 2000, 400, "("),
        ("m + on() m", 422, "many-to-many"),
        ("nothing", 200, "no series"),
        ("1 + 1", 200, "<td>2</td>"),
        ('"<i>"', 200, "<td>&lt;i&gt;</td>"),
        ("m[5m]", 200, "1 samples, the last 2"),
        ("many", 200, f"the first {MOST_ROWS} of {MOST_ROWS + 5} series"),
    ],
)
async def test_what_is_said_of_an_expression(client: TestClient, expression: str, status: int, shown: str) -> None:  # type: ignore[type-arg]
    answer = await client.get("/graph", params={"g0.expr": expression, "g0.tab": "1"})
    text = await answer.text()
    assert answer.status == status, text[:500]
    assert shown in text
    assert text.count("<tr>") <= MOST_ROWS + 2
