"""What is told and counted of threads that hang."""

import asyncio
import threading
from collections.abc import Hashable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sidecar.runtime.meter import Meter
from sidecar.runtime.threads import purposes
from sidecar.runtime.threads.pool import Pool
from sidecar.runtime.threads.purposes import ThreadBack, ThreadGivenUp, expose_threads, tell_of_threads
from tests.fakes import FakeClock, RecordedEvents, until


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    made = Pool("names", 1, patience_seconds=0.01)
    for pools in ("POOLS", "WAIT_FOR_OTHERS"):
        monkeypatch.setattr(purposes, pools, (made,))
    return made


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (("db.example", 0, 0), "db.example"),
        (("secret", Path("/mnt/pw")), "/mnt/pw"),
        ((object(), 1), "names"),
        (None, "names"),
    ],
)
async def test_a_thread_that_is_given_up_is_told_and_counted_and_so_is_its_return(
    pool: Pool, hang: threading.Event, source: Hashable, what: str
) -> None:
    events, registry = RecordedEvents(FakeClock()), CollectorRegistry()
    tell_of_threads(events)
    expose_threads(Meter(registry))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pool.run(lambda: hang.wait(30), source=source)
    assert events.seen == [ThreadGivenUp("names", what, 1)]
    hang.set()
    await until(lambda: len(events.seen) == 2)
    (_, back) = events.seen
    assert isinstance(back, ThreadBack)
    assert (back.pool, back.what) == ("names", what)
    assert back.seconds > 0
    await until(lambda: not pool.given_up)
    assert registry.get_sample_value("sidecar_thread_give_ups_total", {"pool": "names"}) == 1
    assert registry.get_sample_value("sidecar_threads_given_up", {"pool": "names"}) == 0
