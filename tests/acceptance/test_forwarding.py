"""The sidecar is killed while the upstream is down: what was accepted arrives all the same."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.fakes import until
from tests.soak.forward import LOST_SECONDS, Forwarding, Sender, Upstream

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.mark.parametrize("mood", ["away", "busy", "silent"])
async def test_everything_but_the_last_second_arrives_after_a_kill(tmp_path: Path, mood: str) -> None:
    upstream = Upstream()
    await upstream.become(mood)
    forwarding = Forwarding(tmp_path, upstream)
    await asyncio.to_thread(forwarding.start)
    sender = Sender(forwarding)
    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(sender.run())
            await asyncio.sleep(3)
            killed_at = time.monotonic()
            await asyncio.to_thread(forwarding.stop, signal.SIGKILL)
            due = {number for number, at in sender.accepted.items() if at < killed_at - LOST_SECONDS}
            await asyncio.to_thread(forwarding.start)
            await upstream.become("well")
            await until(lambda: due <= upstream.taken.keys(), 20)
            sending.cancel()
    finally:
        await asyncio.to_thread(forwarding.stop)
        await upstream.become("away")
    assert len(due) > 20
    assert upstream.damaged == 0
