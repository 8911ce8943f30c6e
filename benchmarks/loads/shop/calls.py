"""What the shop does while it serves a request: each a span inside."""

from dataclasses import dataclass
from random import Random
from typing import Protocol

from benchmarks.loads.shop import people
from benchmarks.loads.shop.statements import Statement, any_statement
from benchmarks.loads.spans import CLIENT, INTERNAL, PRODUCER, Attributes


class Call(Protocol):
    """One place in the code."""

    @property
    def scope(self) -> str:
        """Which instrumentation makes the span."""

    @property
    def name(self) -> str:
        """The span's name."""

    @property
    def kind(self) -> int:
        """The span's kind."""

    @property
    def usual_nano(self) -> int:
        """How long it takes in the middle, what it calls apart."""

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""


@dataclass(frozen=True)
class Query:
    """A statement is sent to Postgres."""

    statement: Statement
    scope = "opentelemetry.instrumentation.asyncpg"
    kind = CLIENT
    usual_nano = 1_800_000

    @property
    def name(self) -> str:
        """The span's name."""
        return f"{self.statement.operation} {self.statement.table}"

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""
        return self.statement.attributes(random)


@dataclass(frozen=True)
class CacheCall:
    """A command is sent to Redis."""

    name: str
    scope = "opentelemetry.instrumentation.redis"
    kind = CLIENT
    usual_nano = 300_000

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""
        return {
            "db.system.name": "redis",
            "db.namespace": "0",
            "db.operation.name": self.name,
            "db.query.text": f"{self.name} ?" if self.name != "MGET" else f"MGET{' ?' * random.randrange(2, 12)}",
            "server.address": "redis.db.internal",
            "server.port": 6379,
            "network.peer.address": "10.1.2.90",
            "network.peer.port": 6379,
        }


@dataclass(frozen=True)
class Outgoing:
    """Another service is called by HTTP."""

    host: str
    method: str
    path: str
    scope = "opentelemetry.instrumentation.httpx"
    kind = CLIENT
    usual_nano = 25_000_000

    @property
    def name(self) -> str:
        """The span's name."""
        return self.method

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""
        path = self.path.replace("{id}", f"{random.getrandbits(48):012x}")
        return {
            "http.request.method": self.method,
            "url.full": f"https://{self.host}{path}",
            "server.address": self.host,
            "server.port": 443,
            "http.response.status_code": 201 if self.method == "POST" else random.choice((200, 200, 200, 304)),
            "network.protocol.version": "1.1",
        }


@dataclass(frozen=True)
class Publish:
    """A message is sent."""

    topic: str
    scope = "opentelemetry.instrumentation.aiokafka"
    kind = PRODUCER
    usual_nano = 900_000

    @property
    def name(self) -> str:
        """The span's name."""
        return f"{self.topic} send"

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""
        return {
            "messaging.system": "kafka",
            "messaging.destination.name": self.topic,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.kafka.message.key": str(people.user_id(random)),
            "messaging.destination.partition.id": str(random.randrange(12)),
            "server.address": "kafka.internal",
            "server.port": 9092,
        }


@dataclass(frozen=True)
class Function:
    """The app's own code, which its authors made a span of."""

    module: str
    function: str
    line: int
    scope = "shop"
    kind = INTERNAL
    usual_nano = 700_000

    @property
    def name(self) -> str:
        """The span's name."""
        return f"{self.module}.{self.function}"

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one such span."""
        return {
            "code.function.name": f"shop.{self.module}.service.{self.function}",
            "code.file.path": f"/app/shop/{self.module}/service.py",
            "code.line.number": self.line,
            "app.tenant": people.tenant(random),
            "app.items": random.randrange(20),
            "app.cache_hit": random.random() < 0.7,
        }


TOPICS = ("orders.created", "orders.paid", "orders.shipped", "carts.changed", "users.created", "mails.wanted", "audit")
_COMMANDS = ("GET", "GET", "GET", "SET", "HGETALL", "MGET", "EXPIRE", "INCR", "DEL")
_SERVICES = (
    ("pay.example.com", "POST", "/v1/charges"),
    ("pay.example.com", "GET", "/v1/charges/{id}"),
    ("stock.internal.example.com", "GET", "/articles/{id}/level"),
    ("stock.internal.example.com", "POST", "/reservations"),
    ("search.internal.example.com", "GET", "/indexes/products/search?session={id}"),
    ("mail.example.net", "POST", "/v3/send"),
    ("tax.example.org", "GET", "/rates/DE"),
    ("flags.internal.example.com", "GET", "/evaluate?user={id}"),
)
_VERBS = ("load", "check", "price", "validate", "render", "merge", "rank", "reserve", "notify", "enrich")


def any_call(random: Random, module: str) -> Call:
    """Return what the code of `module` may do at one place."""
    drawn = random.random()
    if drawn < 0.48:
        return Query(any_statement(random))
    if drawn < 0.68:
        return CacheCall(random.choice(_COMMANDS))
    if drawn < 0.77:
        return Outgoing(*random.choice(_SERVICES))
    if drawn < 0.80:
        return Publish(random.choice(TOPICS))
    return any_function(random, module)


def any_function(random: Random, module: str) -> Function:
    """Return a function of `module`."""
    return Function(module, random.choice(_VERBS), random.randrange(20, 400))
