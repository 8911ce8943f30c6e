"""What a benchmark sends by OTLP: the shop's traffic in bodies of two sizes, with long and short traces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from benchmarks.loads.body import Body
from benchmarks.loads.shop.traffic import requests

Way = Literal["protobuf", "protobuf, gzip", "JSON", "gRPC"]

FEWEST_BODIES = 200
SPANS_IN_ALL = 50_000
"""At least so many spans differ from each other: small bodies are more."""


@dataclass(frozen=True)
class Load:
    """Bodies of one size that are sent in one way, and whether they are to be sent on."""

    spans: int
    spans_per_trace: int
    way: Way
    is_forwarded: bool

    @property
    def name(self) -> str:
        """What tells it from the others; it is protobuf by HTTP unless it says so."""
        way = "" if self.way == "protobuf" else f" {self.way.removeprefix('protobuf, ')}"
        return f"{self.spans} spans, {self.spans_per_trace} a trace{way}"

    def bodies(self) -> Sequence[Body]:
        """Return the bodies, which are made once for as long as they are asked for one after the other."""
        return _bodies(self.spans, self.spans_per_trace, self.way == "JSON")


@lru_cache(1)
def _bodies(spans: int, spans_per_trace: int, is_json: bool) -> Sequence[Body]:
    count = max(FEWEST_BODIES, SPANS_IN_ALL // spans)
    return [Body(request, is_json) for request in requests(count, spans, spans_per_trace)]


def loads() -> Iterator[Load]:
    """Yield what is sent: what is sent on is protobuf by HTTP."""
    yield Load(1000, 20, "protobuf", is_forwarded=True)
    yield Load(1000, 20, "protobuf, gzip", is_forwarded=False)
    yield Load(1000, 20, "gRPC", is_forwarded=False)
    yield Load(1000, 20, "JSON", is_forwarded=False)
    yield Load(100, 20, "protobuf", is_forwarded=True)
    yield Load(100, 20, "gRPC", is_forwarded=False)
    yield Load(100, 20, "JSON", is_forwarded=False)
    yield Load(1000, 4, "protobuf", is_forwarded=True)
    yield Load(100, 4, "protobuf", is_forwarded=True)
