"""The shop's data in Postgres."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sidecar.demo.shop.errors import UNAVAILABLE, NotReadyError, OutOfStockError, PaymentDeclinedError
from sidecar.demo.shop.schema import PAYMENT_LIMIT_CENTS, SCHEMA, Line

CONNECTIONS = 10
CONNECT_SECONDS = 2.0
COMMAND_SECONDS = 5.0
RETRY_SECONDS = 0.5

PRODUCT_LIST = "SELECT sku, name, price_cents FROM product ORDER BY sku"
PRODUCT = "SELECT sku, name, price_cents, stock FROM product WHERE sku = $1"
SEARCH = "SELECT sku, name, price_cents FROM product WHERE name ILIKE '%' || $1 || '%' ORDER BY name LIMIT 20"
SEARCH_DELAY = "SELECT pg_sleep($1)"
ORDER = "SELECT id, customer, created_at FROM orders WHERE id = $1"
ORDER_LINES = "SELECT sku, quantity FROM order_line WHERE order_id = $1 ORDER BY sku"
# The database is next door in the demonstration; 10 ms make it as far away as an N+1 needs to hurt.
ORDER_LINE_PRODUCT = "SELECT p.name, p.price_cents FROM product p, pg_sleep(0.01) WHERE p.sku = $1"
NEW_ORDER = "INSERT INTO orders (customer) VALUES ($1) RETURNING id"
NEW_ORDER_LINE = "INSERT INTO order_line (order_id, sku, quantity) VALUES ($1, $2, $3)"
TAKE_FROM_STOCK = "UPDATE product SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING price_cents"


class Store:
    """Reads and writes the shop's tables; every method raises one of UNAVAILABLE while the database is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._prepared = False

    async def prepare(self) -> None:
        """Make and fill the tables, trying until the database lets us."""
        while not self._prepared:
            try:
                async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
                    await connection.execute(SCHEMA)
                self._prepared = True
            except UNAVAILABLE:
                await asyncio.sleep(RETRY_SECONDS)

    async def products(self) -> list[dict[str, Any]]:
        """Return all products."""
        async with self._connection() as connection:
            return [dict(row) for row in await connection.fetch(PRODUCT_LIST)]

    async def product(self, sku: str) -> dict[str, Any] | None:
        """Return one product, or None if there is none with this `sku`."""
        async with self._connection() as connection:
            row = await connection.fetchrow(PRODUCT, sku)
        return None if row is None else dict(row)

    async def search(self, word: str, delay_seconds: float) -> list[dict[str, Any]]:
        """Return up to 20 products with `word` in their name; the database takes `delay_seconds` longer."""
        async with self._connection() as connection:
            if delay_seconds:
                await connection.execute(SEARCH_DELAY, delay_seconds)
            return [dict(row) for row in await connection.fetch(SEARCH, word)]

    async def order(self, order_id: int) -> dict[str, Any] | None:
        """Return one order with its lines, or None; asks once per line, the N+1 that the sidecar is there to find."""
        async with self._connection() as connection:
            order = await connection.fetchrow(ORDER, order_id)
            if order is None:
                return None
            lines = []
            for line in await connection.fetch(ORDER_LINES, order_id):
                product = await connection.fetchrow(ORDER_LINE_PRODUCT, line["sku"])
                lines.append(dict(line) | dict(product))
        return {"id": order["id"], "customer": order["customer"], "lines": lines}

    async def place_order(self, customer: str, lines: Sequence[Line]) -> int:
        """Write an order and return its id; raise OutOfStockError or PaymentDeclinedError and write nothing."""
        async with self._connection() as connection, connection.transaction():
            order_id: int = await connection.fetchval(NEW_ORDER, customer)
            total_cents = 0
            # Always in the same sequence, so that two orders never wait for each other's rows.
            for line in sorted(lines):
                price_cents = await connection.fetchval(TAKE_FROM_STOCK, line.sku, line.quantity)
                if price_cents is None:
                    raise OutOfStockError(f"there are no {line.quantity} pieces of {line.sku}")
                await connection.execute(NEW_ORDER_LINE, order_id, line.sku, line.quantity)
                total_cents += price_cents * line.quantity
            if total_cents > PAYMENT_LIMIT_CENTS:
                raise PaymentDeclinedError(f"the card was declined for {total_cents / 100:.2f}")
        return order_id

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if not self._prepared:
            raise NotReadyError("the shop waits for its database")
        async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
            yield connection


@asynccontextmanager
async def open_store(dsn: str) -> AsyncIterator[Store]:
    """Open the store without connecting yet; leaving it drops its connections at once, queries under way included."""
    pool = await asyncpg.create_pool(
        dsn, min_size=0, max_size=CONNECTIONS, timeout=CONNECT_SECONDS, command_timeout=COMMAND_SECONDS
    )
    try:
        yield Store(pool)
    finally:
        pool.terminate()
