"""Hostile bytes over OTLP for minutes: protobuf, JSON, every encoding, HTTP and gRPC, against a real sidecar.

    scripts/soak otlp-fuzz [--minutes 10] [--seed 1]

Requests of all three signals are cut, changed, repeated, nested and expanded, labelled rightly or wrongly. No answer
may be a server's error, every refusal must say why, no unexpected error may be in the log, the probes must answer, and
memory must not have grown since the warm-up. Ends with `N passed, M failed`, exit code 1 on a failure.
"""

import argparse
import asyncio
import gzip
import json
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import grpc
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no stubs

from sidecar.codec.otlp.signal import SIGNALS
from tests.servers import HOST, Sidecar
from tests.unit.codec.otlp_messages import json_of, request

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TYPES = (PROTOBUF, JSON, "application/json; charset=utf-8", "text/plain")
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "br": bytes,
}
HTTP_STATUSES = {200, 400, 404, 405, 413, 415, 503}
GRPC_CODES = {
    *(grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED),
    *(grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE),
}
UNEXPECTED = ("Traceback", "Unhandled", "Error handling request", "never retrieved", "ComponentFailed")
SENDERS = 4
REPORT_SECONDS = 10.0
WARM_UP_SHARE = 0.3
GROWTH_MB = 25.0


class Fuzz:
    """A sidecar under fire, what came of it, and chance."""

    def __init__(self, sidecar: Sidecar, random: Random) -> None:
        self.sidecar = sidecar
        self.random = random
        self.outcomes: Counter[bool] = Counter()
        self.answers: Counter[str] = Counter()

    def expect(self, good: bool, what: str) -> None:
        """Count one expectation and say so when it fails."""
        self.outcomes[good] += 1
        if not good:
            print(f"FAILED: {what}", flush=True)

    async def send_over_http(self, session: aiohttp.ClientSession) -> None:
        """Send something and judge the answer."""
        signal, kind = self.random.choice(SIGNALS), self.random.choice(TYPES)
        encoding = self.random.choice(list(COMPRESS))
        body = hostile(self.random, as_json=self.random.random() < 0.5)
        if self.random.random() < 0.8:
            body = COMPRESS[encoding](body)
        body = body if self.random.random() < 0.8 else changed(body, self.random)
        method = "POST" if self.random.random() < 0.97 else self.random.choice(["GET", "PUT", "OPTIONS"])
        path = signal.path if self.random.random() < 0.97 else f"/{self.random.random()}"
        headers = {"Content-Type": kind} | ({"Content-Encoding": encoding} if encoding else {})
        url = self.sidecar.otlp_url + path
        async with session.request(method, url, data=body, headers=headers) as response:
            answer = await response.read()
            self.answers[f"HTTP {response.status}"] += 1
            self.expect(response.status in HTTP_STATUSES, f"{response.status} to {body[:200]!r} with {headers}")
            if response.status != 200:
                self.expect(says_why(answer, response.content_type), f"{response.status} with {answer[:200]!r}")

    async def send_over_grpc(self, channel: grpc.aio.Channel) -> None:
        """Send something and judge the answer."""
        method: Any = channel.unary_unary(self.random.choice(SIGNALS).method)
        compression = self.random.choice(list(grpc.Compression))
        body = hostile(self.random, as_json=False)
        code = grpc.StatusCode.OK
        try:
            await method(body, compression=compression, timeout=60)
        except grpc.aio.AioRpcError as error:
            code = error.code()
        self.answers[f"gRPC {code.name}"] += 1
        self.expect(code in GRPC_CODES, f"{code} to {body[:200]!r}")

    async def send_garbage(self, port: int) -> None:
        """Send what is no request at all."""
        _, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(self.random.randbytes(self.random.randrange(1, 3000)))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            self.answers["hung up"] += 1

    async def send(self, until: float) -> None:
        """Send until the time is over."""
        address = f"{HOST}:{self.sidecar.otlp_grpc_port}"
        options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        async with aiohttp.ClientSession() as session, grpc.aio.insecure_channel(address, options=options) as channel:
            while time.monotonic() < until:
                try:
                    if self.random.random() < 0.6:
                        await self.send_over_http(session)
                    else:
                        await self.send_over_grpc(channel)
                except (aiohttp.ClientConnectionError, ConnectionError):
                    self.answers["hung up"] += 1  # while a body was under way that was refused already
                if self.random.random() < 0.02:
                    await self.send_garbage(self.random.choice([self.sidecar.otlp_port, self.sidecar.otlp_grpc_port]))

    async def watch(self, seconds: float) -> None:
        """Ask the probes, tell how it goes, and compare memory after the warm-up with that at the end."""
        began = time.monotonic()
        early_mb, reported = 0.0, 0.0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while (elapsed := time.monotonic() - began) < seconds:
                async with session.get(f"{self.sidecar.url}/livez") as response:
                    self.expect(response.status == 200, f"/livez answered {response.status}")
                if not early_mb and elapsed > WARM_UP_SHARE * seconds:
                    early_mb = self.sidecar.rss_mb
                if elapsed - reported >= REPORT_SECONDS:
                    reported = elapsed
                    print(f"{elapsed:6.0f} s  RSS {self.sidecar.rss_mb:.0f} MB  {dict(self.answers)}", flush=True)
                await asyncio.sleep(0.5)
        grown_mb = self.sidecar.rss_mb - early_mb
        self.expect(grown_mb < GROWTH_MB, f"memory grew by {grown_mb:.0f} MB since the warm-up")


def hostile(random: Random, *, as_json: bool) -> bytes:
    """Return a body: usually a random request that is changed a little, at times something built to hurt."""
    if random.random() < 0.05:
        return random.choice(BOMBS)(random)
    message = request(random.choice(SIGNALS), random)
    body = json.dumps(json_of(message)).encode() if as_json else message.SerializeToString()
    body *= random.choice([1, 1, 1, 30]) if not as_json else 1
    return body if random.random() < 0.2 else changed(body, random)


def changed(body: bytes, random: Random) -> bytes:
    """Return `body` with some bytes of it cut, inserted, flipped or repeated."""
    data = bytearray(body)
    for _ in range(random.randrange(1, 4)):
        start = random.randrange(len(data) + 1)
        end = start + random.randrange(30)
        kind = random.randrange(5)
        if kind == 0:
            del data[start:end]
        elif kind == 1:
            data[start:start] = random.randbytes(end - start)
        elif kind == 2:
            data[start:end] = random.randbytes(len(data[start:end]))
        elif kind == 3:
            data[start:start] = data[start:end]
        else:
            del data[start:]
    return bytes(data)


BOMBS: tuple[Callable[[Random], bytes], ...] = (
    lambda random: random.randbytes(random.randrange(5000)),
    lambda random: bytes(random.choice([1 << 20, 5 << 20, 65 << 20])),
    lambda random: random.choice([b"[", b'{"resourceSpans":', b'{"a":[']) * random.choice([1000, 100_000]),
    lambda random: b'{"resourceSpans":[' + random.choice([b"{},", b"0,", b"[],"]) * random.choice([1000, 600_000]),
    lambda random: b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"' + b"\\ud800" * 100_000 + b'"}]}]}]}',
    lambda random: b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b'{"name":"\xff"},' * 50_000 + b"{}]}]}]}",
    lambda random: b"\x0a\x00" * random.choice([1000, 1_000_000]),
    lambda random: b"\x0a\x7f" * 100_000,
)
"""Random bytes, zeros that compress well, towers, floods and text that must be repaired."""


def says_why(body: bytes, content_type: str) -> bool:
    """Return whether `body` is a google.rpc.Status with a message."""
    if content_type == JSON:
        return bool(json.loads(body)["message"])
    return bool(Status.FromString(body).message)


async def soak(sidecar: Sidecar, seconds: float, random: Random) -> Fuzz:
    """Run for `seconds` and return the outcome."""
    fuzz = Fuzz(sidecar, random)
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(fuzz.send(until))
        group.create_task(fuzz.watch(seconds))
    for word in UNEXPECTED:
        fuzz.expect(word not in sidecar.log, f"`{word}` in the log:\n{sidecar.log[-3000:]}")
    return fuzz


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Sidecar(Path(folder), "") as sidecar:
        fuzz = asyncio.run(soak(sidecar, 60 * words.minutes, Random(words.seed)))
    print(f"{sum(fuzz.answers.values())} requests: {dict(fuzz.answers)}")
    print(f"{fuzz.outcomes[True]} passed, {fuzz.outcomes[False]} failed")
    sys.exit(1 if fuzz.outcomes[False] else 0)


if __name__ == "__main__":
    main()
