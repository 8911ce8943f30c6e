"""What requests leave behind: nothing, even before the garbage collector comes, because bodies may be large."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from grpc import StatusCode

from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.codec.otlp.traces import SpanBatches
from tests.unit.receive.served import MIB, body_of

GARBAGE = body_of(1) + b"\xff" * MIB
REQUESTS = 20


@pytest.fixture(autouse=True)
def without_garbage_collector() -> Iterator[None]:
    """Leave what is in cycles where it is."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("transport", ["http", "grpc"])
async def test_refused_bodies_are_let_go_of(serve: Any, transport: str) -> None:
    served = await serve()

    async def refuse() -> None:
        if transport == "http":
            assert (await served.post(BytesIO(GARBAGE)))[0] == 400
        else:
            assert (await served.export(GARBAGE)).code is StatusCode.INVALID_ARGUMENT

    await refuse()
    tracemalloc.start()
    try:
        for _ in range(REQUESTS):
            await refuse()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < REQUESTS * MIB / 5


@pytest.mark.parametrize("kind", [SpanBatches, MetricBatches, LogBatches])
def test_bodies_that_were_read_are_let_go_of(kind: Callable[[bytes, float], Any]) -> None:
    batches = kind(b"", 0.0)
    assert list(batches) == []
    seen = weakref.ref(batches)
    del batches
    assert seen() is None
