"""The shop's tables and their first rows, and the orders that are known to fail."""

from typing import NamedTuple

PRODUCTS = 60
SEEDED_ORDERS = 40
SOLD_OUT_SKU = "SKU-060"
"""A product of which there is none: ordering it raises OutOfStockError."""

PAYMENT_LIMIT_CENTS = 1_000_000
"""Payment of an order over this sum is declined."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS product (
    sku text PRIMARY KEY,
    name text NOT NULL,
    price_cents integer NOT NULL,
    stock integer NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS order_line (
    order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    sku text NOT NULL REFERENCES product,
    quantity integer NOT NULL,
    PRIMARY KEY (order_id, sku)
);
INSERT INTO product
SELECT format('SKU-%s', to_char(n, 'FM000')),
       (ARRAY['Oak', 'Steel', 'Linen', 'Glass', 'Cork'])[1 + n % 5] || ' '
           || (ARRAY['lamp', 'chair', 'table', 'shelf', 'clock', 'vase'])[1 + n % 6],
       500 + n * 137 % 9000,
       CASE n WHEN {PRODUCTS} THEN 0 ELSE 100000000 END
FROM generate_series(1, {PRODUCTS}) AS n
ON CONFLICT DO NOTHING;
INSERT INTO orders (customer)
SELECT 'customer ' || n FROM generate_series(1, {SEEDED_ORDERS}) AS n
WHERE NOT EXISTS (SELECT FROM orders);
INSERT INTO order_line
SELECT n, format('SKU-%s', to_char(1 + (n * 7 + line) % {PRODUCTS}, 'FM000')), 1 + line % 3
FROM generate_series(1, {SEEDED_ORDERS}) AS n, generate_series(1, 6 + n % 5) AS line
ON CONFLICT DO NOTHING;
"""  # noqa: S608 - made of constants
"""Makes and fills what is missing; running it again changes nothing. Orders 1 to 40 have six to ten lines each."""


class Line(NamedTuple):
    """One line of an order."""

    sku: str
    quantity: int
