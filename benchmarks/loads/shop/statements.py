"""The statements that the shop sends to its database: by an ORM, and a few as people wrote them."""

from dataclasses import dataclass
from random import Random

from benchmarks.loads.spans import Attributes

_TABLES = {
    "users": ("email", "name", "password_hash", "is_active", "locale", "created_at"),
    "sessions": ("user_id", "token_hash", "user_agent", "expires_at"),
    "addresses": ("user_id", "street", "city", "zip", "country"),
    "orders": ("user_id", "state", "total", "currency", "created_at", "shipped_at"),
    "order_items": ("order_id", "product_id", "quantity", "price"),
    "payments": ("order_id", "provider", "provider_ref", "amount", "state", "created_at"),
    "refunds": ("payment_id", "amount", "reason", "created_at"),
    "products": ("sku", "name", "description", "price", "category_id", "stock", "is_listed"),
    "categories": ("slug", "name", "parent_id", "position"),
    "carts": ("user_id", "currency", "updated_at"),
    "cart_items": ("cart_id", "product_id", "quantity"),
    "coupons": ("code", "percent", "valid_until", "uses_left"),
    "reviews": ("product_id", "user_id", "stars", "body", "created_at"),
    "shipments": ("order_id", "carrier", "tracking_code", "state", "shipped_at"),
}
"""Columns beside `id`, the first of which rows are looked up by."""
_FORMS = ("by key", "listed", "of many", "insert", "update", "written by hand")
_HOW_OFTEN = (0.36, 0.24, 0.10, 0.10, 0.10, 0.10)
_PRIMARY, _REPLICAS = "pg-primary.db.internal", ("pg-replica-0.db.internal", "pg-replica-1.db.internal")


@dataclass(frozen=True)
class Statement:
    """One statement of the code, and what its spans say of it.

    Most have placeholders. Those by key say the bound value apart, the list of those "of many" is as long as it has
    to be, and what was written by hand has the values in its text.
    """

    table: str
    form: str

    @property
    def operation(self) -> str:
        """The verb."""
        return {"insert": "INSERT", "update": "UPDATE"}.get(self.form, "SELECT")

    def text(self, random: Random) -> str:
        """Return the text of one call."""
        table, columns = self.table, _TABLES[self.table]
        key = columns[0]
        match self.form:
            case "by key":
                selected = ", ".join(f"{table}.{column} AS {table}_{column}" for column in ("id", *columns))
                return f"SELECT {selected} \nFROM {table} \nWHERE {table}.id = $1"
            case "listed":
                selected = ", ".join(f"{table}.{column}" for column in ("id", *columns))
                where = f"WHERE {table}.{key} = $1 ORDER BY {table}.{columns[-1]} DESC"
                return f"SELECT {selected} FROM {table} {where} LIMIT $2 OFFSET $3"
            case "of many":
                places = ", ".join(f"${place}" for place in range(1, random.randrange(2, 40)))
                return f"SELECT {table}.id, {table}.{columns[1]} FROM {table} WHERE {table}.id IN ({places})"
            case "insert":
                places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
                return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) RETURNING {table}.id"
            case "update":
                return f"UPDATE {table} SET {columns[1]} = $1, {columns[-1]} = $2 WHERE {table}.id = $3"
            case _:
                since = f"2026-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
                where = f"t.{key} = '{random.randrange(10**6)}' AND t.{columns[-1]} >= '{since}'"
                return f"SELECT count(*), max(t.id) FROM {table} t WHERE {where}"

    def attributes(self, random: Random) -> Attributes:
        """Return the attributes of one call."""
        writes = self.operation != "SELECT"
        host = _PRIMARY if writes or random.random() < 0.2 else random.choice(_REPLICAS)
        said: dict[str, str | int] = {
            "db.system.name": "postgresql",
            "db.namespace": "shop",
            "db.query.text": self.text(random),
            "db.operation.name": self.operation,
            "db.collection.name": self.table,
            "db.query.summary": f"{self.operation} {self.table}",
            "server.address": host,
            "server.port": 5432,
            "network.peer.address": f"10.1.2.{80 + len(host) % 7}",
        }
        if self.form == "by key":
            said["db.query.parameter.0"] = str(random.randrange(10**6))
        return said


STATEMENTS = tuple(Statement(table, form) for table in _TABLES for form in _FORMS)


def any_statement(random: Random) -> Statement:
    """Return one of them, each form as often as an app has it."""
    (form,) = random.choices(_FORMS, _HOW_OFTEN)
    return Statement(random.choice(tuple(_TABLES)), form)
