"""Statements as peewee compiles them."""

from collections.abc import Iterator
from typing import Any

from peewee import (
    AutoField,
    BooleanField,
    Case,
    DecimalField,
    ForeignKeyField,
    IntegerField,
    Model,
    PostgresqlDatabase,
    TextField,
    fn,
)


class Item(Model):
    """A row of `items`."""

    id = AutoField()
    name = TextField()
    price = DecimalField()
    active = BooleanField()
    stock = IntegerField()

    class Meta:
        database, table_name = PostgresqlDatabase(None), "items"


class Order(Model):
    """A row of `orders`."""

    id = AutoField()
    name = TextField()
    stock = ForeignKeyField(Item, column_name="stock")

    class Meta:
        database, table_name = Item._meta.database, "orders"


def statements(size: int) -> Iterator[str]:
    """Yield different statements; those of another `size`, which is that of all lists, are the same queries."""
    for query in _made(size):
        yield query.sql()[0]


def _made(size: int) -> Iterator[Any]:
    for where in _conditions(size):
        yield Item.select(Item.id, Item.name).where(where)
        yield Item.select(Item.id).where(where).order_by(Item.name.desc()).limit(size)
        yield Item.delete().where(where)
        yield Item.update(name="n" * size).where(where)
        yield Item.update(stock=Item.stock + size).where(where)
        yield Item.update(stock=Item.stock - size).where(where)
    yield Item.insert(name="n", price=size, active=True, stock=size)
    yield Item.insert_many([{"name": "n" * size, "stock": size}, {"name": "m", "stock": 2}])
    yield Order.select(Order.id, Item.name).join(Item).where(Order.id.in_(range(size)))
    yield Item.select(fn.COUNT(Item.id), Case(None, [(Item.stock > size, "many")], "few")).group_by(Item.stock)


def _conditions(size: int) -> Iterator[Any]:
    numbers, texts = list(range(size)), [f"name '{number}'" for number in range(size)]
    yield Item.id == size
    yield Item.id.in_(numbers)
    yield Item.id.not_in(numbers)
    yield Item.name.in_(texts) | (Item.stock.in_(numbers) & Item.active)
    yield Item.name.contains("x" * size)
    yield Item.stock.between(-size, size)
    yield Item.name.in_(texts) & (Item.stock >= -size)
    yield Item.id.in_(Order.select(Order.stock).where(Order.id.in_(numbers)))
    yield fn.COALESCE(Item.stock, size) > size
