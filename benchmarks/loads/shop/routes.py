"""What the shop serves: its routes and topics, and what its code does for each, the same at every request."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.loads.shop import people
from benchmarks.loads.shop.calls import TOPICS, Call, Function, any_call, any_function
from benchmarks.loads.spans import CONSUMER, SERVER, Attributes

LONGEST = 48
"""Calls of one request."""
_REPEATS_ONE_OF = 8
"""Routes, of which one asks the same again and again."""
_RESOURCES = (
    ("users", "/api/v2/users", "{user_id}"),
    ("users", "/api/v2/users/{user_id}/addresses", "{address_id}"),
    ("orders", "/api/v2/orders", "{order_id}"),
    ("orders", "/api/v2/orders/{order_id}/items", "{item_id}"),
    ("payments", "/api/v2/orders/{order_id}/payments", "{payment_id}"),
    ("catalog", "/api/v2/products", "{sku}"),
    ("catalog", "/api/v2/categories", "{slug}"),
    ("catalog", "/api/v2/products/{sku}/reviews", "{review_id}"),
    ("carts", "/api/v2/cart/items", "{item_id}"),
    ("coupons", "/api/v2/coupons", "{code}"),
    ("shipping", "/api/v2/shipments", "{shipment_id}"),
    ("search", "/api/v2/search", "{query}"),
)


@dataclass(frozen=True)
class Step:
    """One call of the code, and by which step before it is made; by the request itself if by -1."""

    call: Call
    parent: int


class Route:
    """A method and a template of paths."""

    scope = "opentelemetry.instrumentation.fastapi"
    kind = SERVER

    def __init__(self, method: str, template: str, steps: Sequence[Step]) -> None:
        self.name = f"{method} {template}"
        self.steps = steps
        self._method = method
        self._template = template

    def attributes(self, random: Random, has_failed: bool) -> Attributes:
        """Return the attributes of one request."""
        path = self._template
        while "{" in path:
            before, _, rest = path.partition("{")
            name, _, behind = rest.partition("}")
            path = before + (people.sku(random) if name == "sku" else str(random.randrange(10**6))) + behind
        usual = 201 if self._method == "POST" else 204 if self._method == "DELETE" else 200
        status = random.choice((404, 409, 422)) if random.random() < 0.04 else usual
        said: dict[str, str | int] = {
            "http.request.method": self._method,
            "http.route": self._template,
            "http.response.status_code": 500 if has_failed else status,
            "url.path": path,
            "url.scheme": "https",
            "server.address": random.choice(people.HOSTS),
            "server.port": 8080,
            "network.protocol.version": "1.1",
            "client.address": people.client_address(random),
            "user_agent.original": random.choice(people.USER_AGENTS),
            "enduser.id": str(people.user_id(random)),
        }
        if self._method == "GET" and not self._template.endswith("}"):
            said["url.query"] = f"page={random.randrange(40)}&q={random.getrandbits(24):x}"
        if has_failed:
            said["error.type"] = "500"
        return said


class Subscription:
    """A topic whose messages are worked on."""

    scope = "opentelemetry.instrumentation.aiokafka"
    kind = CONSUMER

    def __init__(self, topic: str, steps: Sequence[Step]) -> None:
        self.name = f"{topic} process"
        self.steps = steps
        self._topic = topic

    def attributes(self, random: Random, has_failed: bool) -> Attributes:
        """Return the attributes of one message."""
        said: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.destination.name": self._topic,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": "shop-worker",
            "messaging.destination.partition.id": str(random.randrange(12)),
            "messaging.kafka.offset": random.randrange(10**9),
            "messaging.message.body.size": random.randrange(200, 4_000),
            "server.address": "kafka.internal",
        }
        if has_failed:
            said["error.type"] = "shop.worker.Failed"
        return said


def routes(random: Random) -> list[Route]:
    """Return the routes, those that are asked most often first."""
    served: list[Route] = []
    for module, collection, item in _RESOURCES:
        for method, template in (
            ("GET", f"{collection}/{item}"),
            ("GET", collection),
            ("POST", collection),
            ("PUT", f"{collection}/{item}"),
            ("DELETE", f"{collection}/{item}"),
        ):
            steps = _steps(random, module, repeats=len(served) % _REPEATS_ONE_OF == 1)
            served.append(Route(method, template, steps))
    random.shuffle(served)
    return served


def subscriptions(random: Random) -> list[Subscription]:
    """Return the subscriptions."""
    return [Subscription(topic, _steps(random, topic.partition(".")[0], repeats=False)) for topic in TOPICS]


def _steps(random: Random, module: str, repeats: bool) -> list[Step]:
    """Return calls of functions and of what these call; the same statement to the end where one `repeats`."""
    steps = [Step(any_function(random, module), -1)]
    callers = [0]
    while len(steps) < LONGEST:
        if repeats and len(steps) > 3:
            steps += [steps[-1]] * (LONGEST - len(steps))
            break
        caller = random.choice(callers[-3:])
        call = any_call(random, module)
        if isinstance(call, Function):
            callers.append(len(steps))
        steps.append(Step(call, caller))
    return steps
