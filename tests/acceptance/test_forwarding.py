"""The sidecar is killed while the upstream is down: what was accepted arrives all the same."""

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from tests.fakes import until
from tests.servers import eventually, get_text, samples_of
from tests.soak.forward import LOST_SECONDS, PROTOBUF, Forwarding, Sender, Upstream, body_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

FORWARDED = "sidecar_otlp_forward_"
BODIES = 200
ROOM_BYTES = 2**20


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


async def test_with_too_little_room_on_disk_what_is_missing_after_a_kill_was_counted(tmp_path: Path) -> None:
    upstream = Upstream()
    forwarding = Forwarding(tmp_path, upstream, spill_max_bytes=ROOM_BYTES, queue_max_bytes=ROOM_BYTES // 2)
    await asyncio.to_thread(forwarding.start)
    try:
        await send_bodies(forwarding)

        async def accounted() -> tuple[int, int]:
            samples = samples_of((await get_text(f"{forwarding.url}/metrics"))[1])
            dropped = sum(value for name, value in samples.items() if name.startswith(f"{FORWARDED}dropped"))
            return int(dropped), int(samples[f"{FORWARDED}spill_bytes"]) // len(body_of(1))

        dropped, kept = await eventually(accounted, lambda counts: sum(counts) == BODIES)
        await asyncio.to_thread(forwarding.stop, signal.SIGKILL)
        await asyncio.to_thread(forwarding.start)
        await upstream.become("well")
        await until(lambda: len(upstream.taken) == kept, 20)
        assert await eventually(accounted, lambda counts: counts[1] == 0) == (0, 0)
    finally:
        await asyncio.to_thread(forwarding.stop)
        await upstream.become("away")
    assert (kept, dropped) == (ROOM_BYTES // len(body_of(1)), BODIES - kept)
    assert upstream.damaged == 0


async def send_bodies(forwarding: Forwarding) -> None:
    async with aiohttp.ClientSession() as session:
        for number in range(1, BODIES + 1):
            url = f"{forwarding.otlp_url}/v1/traces"
            async with session.post(url, data=body_of(number), headers=PROTOBUF) as response:
                assert response.status == 200
