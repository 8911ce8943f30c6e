"""Making spans as real apps send them, of a seed: the same ones each time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.workloads.posts import Made, Service, attributes

NANO = 10**9
ERROR, OK = 2, 1
ROUTES = ("/orders", "/orders/{id}", "/carts/{id}/items", "/health", "/users/{id}")
TABLES = ("orders", "items", "users", "carts")


@dataclass
class Maker:
    """Makes spans that have ended when it is `now`; a trace is what has one id, which `trace` gives."""

    seed: int
    now: float = 1_700_000_000.0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def trace(self) -> bytes:
        return self.random.randbytes(16)

    def seconds(self) -> float:
        """Return a duration: most are short, one of ten is about as long as endpoints and queries are judged by."""
        usual, long = min(self.random.lognormvariate(-3.5, 1.3), 9.0), self.random.uniform(0.05, 4.5)
        return round(long if self.random.random() < 0.1 else usual, 6) + 1e-7

    def span(
        self, name: str, kind: str, trace: bytes, parent: Span | bytes = b"", *, seconds: float | None = None, **of: Any
    ) -> Span:
        """Return a span; `of` are more of its fields: `attributes` and `events` as dictionaries, `status`, `message`.

        `ago` is how many seconds before now it ended.
        """
        took = self.seconds() if seconds is None else seconds
        end = round((self.now - of.pop("ago", self.random.random())) * NANO)
        events = [Span.Event(name=name, attributes=attributes(values)) for name, values in of.pop("events", [])]
        status, message = of.pop("status", 0), of.pop("message", "")
        return Span(
            trace_id=trace,
            span_id=of.pop("span_id", self.random.randbytes(8)),
            parent_span_id=parent if isinstance(parent, bytes) else parent.span_id,
            name=name,
            kind=Span.SpanKind.Value(f"SPAN_KIND_{kind}"),
            start_time_unix_nano=of.pop("start", end - round(took * NANO)),
            end_time_unix_nano=of.pop("end", end),
            attributes=attributes(of.pop("attributes", {})),
            events=events,
            status=Status(code=status, message=message) if status or message else None,
            **of,
        )

    def server(self, trace: bytes, parent: Span | bytes = b"", *, route: str = "", code: int = 0, **of: Any) -> Span:
        """Return what served a request over HTTP."""
        route, code = route or self.random.choice(ROUTES), code or self.random.choice((200,) * 8 + (404, 500))
        method = of.pop("method", "") or self.random.choice(("GET", "POST"))
        said = {"http.request.method": method, "http.route": route, "http.response.status_code": code, "url.path": "/x"}
        said["client.address"] = f"10.0.0.{self.random.randrange(250)}"
        of["attributes"] = {**said, **of.get("attributes", {})}
        return self.span(f"{method} {route}", "SERVER", trace, parent, **of)

    def query(
        self, trace: bytes, parent: Span | bytes, text: str = "", *, system: str = "postgresql", **of: Any
    ) -> Span:
        """Return a call to a database."""
        table, number = self.random.choice(TABLES), self.random.randrange(10**6)
        text = text or f"SELECT * FROM {table} WHERE id = {number}"
        word = text.split(maxsplit=1)[0]
        said = {"db.system.name": system, "db.query.text": text, "server.address": "db", "db.operation.name": word}
        of["attributes"] = {**said, **of.get("attributes", {})}
        return self.span(f"{word} shop", "CLIENT", trace, parent, **of)

    def call(self, trace: bytes, parent: Span | bytes, *, code: int = 200, host: str = "mail:8080", **of: Any) -> Span:
        """Return a request to another service over HTTP."""
        said = {"http.request.method": "GET", "http.response.status_code": code, "server.address": host}
        of["attributes"] = {**said, **of.get("attributes", {})}
        return self.span("GET", "CLIENT", trace, parent, **of)

    def request(self, service: Service, calls: int = 3, trace: bytes = b"", **of: Any) -> list[Made]:
        """Return a whole trace in the order in which SDKs send it, the root last."""
        trace = trace or self.trace()
        root = self.server(trace, **of)
        work = self.span("work", "INTERNAL", trace, root)
        inner = [self.query(trace, self.random.choice((root, work))) for _ in range(calls)]
        inner += [self.call(trace, work)] * (self.random.random() < 0.5)
        inner += [self.query(trace, work, f"GET user:{calls}", system="redis")] * (self.random.random() < 0.3)
        return of_service(service, [*inner, work, root])

    def requests(self, count: int, services: Sequence[Service] = (Service(),), calls: int = 3) -> list[Made]:
        return [
            made
            for _ in range(count)
            for made in self.request(self.random.choice(services), self.random.randrange(calls + 1))
        ]

    def exception(self, kind: str, message: str, place: str = "orders", *, stack: bool = True) -> tuple[str, Any]:
        """Return the event of an exception of Python, thrown in the function `place`."""
        lines = f'  File "/app/shop/{place}.py", line {self.random.randrange(99)}, in {place}\n    {place}()\n'
        text = f"Traceback (most recent call last):\n{lines}{kind}: {message}\n"
        said = {"exception.type": kind, "exception.message": message}
        return "exception", {**said, "exception.stacktrace": text} if stack else said


def of_service(service: Service, spans: Sequence[Span]) -> list[Made]:
    return [Made(service, span) for span in spans]
