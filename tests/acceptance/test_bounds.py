"""Floods over OTLP against a real process: counters tell, the rest works, memory ends somewhere.

`scripts/soak otlp-bounds` does the same with a million of each and looks at how long probes take.
"""

from collections.abc import Iterator

import pytest

from tests.servers import Sidecar
from tests.soak.bounds.bodies import body_floods
from tests.soak.bounds.items import item_floods
from tests.soak.bounds.outcome import MOST_MB
from tests.soak.bounds.prober import Prober
from tests.soak.bounds.sender import Sender
from tests.soak.bounds.watched import Watched
from tests.soak.otlp_bounds import CONFIG

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

ITEMS = 4_000
SOME = {
    "span names",
    "services",
    "values of a dimension",
    "errors",
    "metric names",
    "label values",
    "log services",
}
BODIES = (
    "gzip bomb of 256 MiB",
    "JSON: an array tower",
    "JSON: empty spans",
    "JSON: bytes that are not UTF-8",
    "protobuf of 4 MiB: empty attributes",
)


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with Sidecar(tmp_path_factory.mktemp("sidecar"), CONFIG) as running:
        yield running


def test_of_each_flood_of_items_a_counter_tells_and_all_are_answered(sidecar: Sidecar) -> None:
    floods = [flood for flood in item_floods() if flood.name in SOME]
    with Prober(sidecar.port) as prober, Watched(sidecar, prober) as watched:
        sender = Sender(sidecar.otlp_port, watched.halfway)
        for flood in floods:
            assert sender.send_items(flood, ITEMS).statuses == {200: ITEMS / flood.template.items}
    for flood in floods:
        assert any(name.startswith(flood.tells) for name in watched.counters), flood.name
    assert watched.memory.peak < MOST_MB
    assert "Traceback" not in sidecar.log


def test_bodies_that_are_built_to_hurt_are_answered_and_forgotten(sidecar: Sidecar) -> None:
    floods = [flood for flood in body_floods() if flood.name in BODIES]
    assert len(floods) == len(BODIES)
    with Prober(sidecar.port) as prober, Watched(sidecar, prober, settle_seconds=0) as watched:
        sender = Sender(sidecar.otlp_port, watched.halfway)
        statuses = {flood.name: set(sender.send(flood, 0.2).statuses) for flood in floods}
    assert all(found <= {200, 400, 413} for found in statuses.values()), statuses
    assert watched.memory.peak < MOST_MB
    assert watched.memory.after < watched.memory.before + 100
    assert "Traceback" not in sidecar.log
