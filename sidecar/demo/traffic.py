"""Customers of the shop: a steady stream of requests, some of them slow, some of them bound to fail."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from sidecar.demo.shop.schema import PRODUCTS, SEEDED_ORDERS, SOLD_OUT_SKU

CONCURRENCY = 32
TIMEOUT_SECONDS = 5.0

BROAD_WORDS = ("oak", "a", "cha")
NARROW_WORDS = ("lamp", "chair", "table", "shelf", "clock", "vase", "steel")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a customer."""

    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(slots=True)
class Sent:
    """What was sent and what came back.

    `by_status` counts requests by HTTP status; one without a status counts under `timeout` or `failed`.
    """

    by_status: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Return how many requests have ended, well or not."""
        return self.by_status.total()


def _list_products(_random: Random) -> Visit:
    return Visit("GET", "/products")


def _show_product(random: Random) -> Visit:
    # Numbers over the last product are not found: a 404 now and then.
    return Visit("GET", f"/products/SKU-{random.randint(1, PRODUCTS + 2):03}")


def _show_order(random: Random) -> Visit:
    return Visit("GET", f"/orders/{random.randint(1, SEEDED_ORDERS)}")


def _search(random: Random) -> Visit:
    words = BROAD_WORDS if random.random() < 0.3 else NARROW_WORDS
    return Visit("GET", f"/search?q={random.choice(words)}")


def _place_order(random: Random) -> Visit:
    skus = [f"SKU-{number:03}" for number in random.sample(range(1, PRODUCTS), 3)]
    return _order([(sku, random.randint(1, 3)) for sku in skus])


def _order_what_is_sold_out(_random: Random) -> Visit:
    return _order([("SKU-001", 1), (SOLD_OUT_SKU, 1)])


def _order_too_much(random: Random) -> Visit:
    return _order([(f"SKU-{random.randint(1, PRODUCTS - 1):03}", 10_000)])


def _order(lines: Sequence[tuple[str, int]]) -> Visit:
    return Visit(
        "POST", "/orders", {"customer": "demo", "lines": [{"sku": sku, "quantity": count} for sku, count in lines]}
    )


KINDS: Sequence[tuple[int, Callable[[Random], Visit]]] = (
    (30, _list_products),
    (30, _show_product),
    (15, _show_order),
    (10, _search),
    (12, _place_order),
    (2, _order_what_is_sold_out),
    (1, _order_too_much),
)
"""Kinds of visits by their weight in a hundred: three in a hundred fail with 500."""


def choose_visit(random: Random) -> Visit:
    """Return the next request; the same seed gives the same requests."""
    (kind,) = random.choices([kind for _, kind in KINDS], [weight for weight, _ in KINDS])
    return kind(random)


async def run_traffic(
    base_url: str, requests_per_second: float, sent: Sent, *, seed: int = 1, limit: int | None = None
) -> None:
    """Send requests to the shop at `base_url` until cancelled, or until `limit` of them have ended.

    A shop that is slow or down is counted in `sent` and asked again; at most 32 requests are under way, so a slow shop
    gets fewer than `requests_per_second`.
    """
    random = Random(seed)  # noqa: S311 - a repeatable choice is wanted
    slots = asyncio.Semaphore(CONCURRENCY)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(base_url, timeout=timeout) as session, asyncio.TaskGroup() as group:
        started = 0
        while limit is None or started < limit:
            await slots.acquire()
            group.create_task(_send(session, choose_visit(random), sent, slots))
            started += 1
            await asyncio.sleep(1 / requests_per_second)


async def _send(session: aiohttp.ClientSession, visit: Visit, sent: Sent, slots: asyncio.Semaphore) -> None:
    try:
        async with session.request(visit.method, visit.path, json=visit.body) as response:
            await response.read()
        outcome = str(response.status)
    except TimeoutError:
        outcome = "timeout"
    except aiohttp.ClientError:
        outcome = "failed"
    finally:
        slots.release()
    sent.by_status[outcome] += 1
