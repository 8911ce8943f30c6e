"""Statements as SQLAlchemy compiles them, for several drivers and with its values written out."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    any_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_METADATA = MetaData()
ITEMS, ORDERS = (
    Table(
        name,
        _METADATA,
        Column("id", Integer, primary_key=True),
        Column("name", String),
        Column("price", Numeric),
        Column("active", Boolean),
        Column("stock", Integer),
    )
    for name in ("items", "orders")
)
DIALECTS = {
    "sqlalchemy with psycopg": PGDialect_psycopg(),  # type: ignore[no-untyped-call]
    "sqlalchemy with asyncpg": PGDialect_asyncpg(),  # type: ignore[no-untyped-call]
    "sqlalchemy with pg8000": PGDialect_pg8000(),  # type: ignore[no-untyped-call]
    "sqlalchemy with values": PGDialect(),  # type: ignore[no-untyped-call]
}


def statements(driver: str, size: int) -> Iterator[str]:
    """Yield different statements; those of another `size`, which is that of all lists, are the same queries."""
    settings: dict[str, Any] = {"render_postcompile": True}
    if driver.endswith("with values"):
        settings = {"literal_binds": True}
    for statement in _made(size):
        yield str(statement.compile(dialect=DIALECTS[driver], compile_kwargs=settings))


def _made(size: int) -> Iterator[Any]:
    for table in (ITEMS, ORDERS):
        columns = table.c
        for where in _conditions(table, size):
            yield select(columns.id, columns.name).where(where)
            yield select(columns.id).where(where).order_by(columns.name).limit(size)
            yield delete(table).where(where)
            yield update(table).where(where).values(stock=columns.stock + size)
            yield update(table).where(where).values(stock=columns.stock - size, name="x" * size)
        yield insert(table).values(id=size, name="n" * size, price=size + 0.5, active=size % 2 == 0)
        yield insert(table).values([{"id": row, "name": "n" * size} for row in range(2)])
        added = upsert(table).values(id=size, name="n")
        yield added.on_conflict_do_update(index_elements=["id"], set_={"name": added.excluded.name})
        yield select(func.count()).select_from(table).where(columns.stock.between(-size, size))
        yield select(columns.name, func.sum(columns.price)).group_by(columns.name).having(func.count() > size)
        yield select(case((columns.stock > size, "many"), else_="few")).order_by(columns.id.desc())
    joined = ITEMS.join(ORDERS, ITEMS.c.id == ORDERS.c.stock)
    yield select(ITEMS.c.name, ORDERS.c.price).select_from(joined).where(ORDERS.c.id.in_(range(size)))
    yield select(ITEMS.c.id).where(exists().where(ORDERS.c.stock == ITEMS.c.id, ORDERS.c.id == size))


def _conditions(table: Table, size: int) -> Iterator[Any]:
    columns, numbers, texts = table.c, list(range(size)), [f"name '{number}'" for number in range(size)]
    yield columns.id == size
    yield columns.id != size
    yield columns.id.in_(numbers)
    yield columns.id.not_in(numbers)
    yield columns.name.in_(texts)
    yield columns.name.like("%" * size)
    yield columns.price.not_in([number + 0.5 for number in numbers])
    yield columns.active.is_(None)
    yield not_(columns.active) & (columns.id == size)
    yield or_(columns.id.in_(numbers), columns.name.in_(texts)) & (columns.stock > -size)
    yield columns.id.in_(numbers) & columns.stock.in_(numbers)
    yield columns.stock == any_(array([literal_column(str(number), Integer) for number in numbers]))
    yield columns.price == any_(cast(array([literal_column(str(number)) for number in numbers]), ARRAY(Numeric)))
    yield cast(columns.name, Integer) == size
    yield func.coalesce(columns.stock, size) - size > size
    yield columns.id.in_(select(ORDERS.c.stock).where(ORDERS.c.id.in_(numbers)))
