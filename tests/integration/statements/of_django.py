"""Statements as Django compiles them."""

from collections.abc import Iterator
from typing import Any

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, USE_TZ=False)
django.setup()

from django.db import models  # type: ignore[import-untyped] # noqa: E402 - a model needs the settings
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When  # type: ignore[import-untyped] # noqa: E402
from django.db.models.functions import Coalesce  # type: ignore[import-untyped] # noqa: E402
from django.db.models.sql import DeleteQuery, InsertQuery, UpdateQuery  # type: ignore[import-untyped] # noqa: E402


class Item(models.Model):  # type: ignore[misc]
    """A row of `items`."""

    name = models.TextField()
    price = models.DecimalField(max_digits=9, decimal_places=2)
    active = models.BooleanField()
    stock = models.IntegerField()

    class Meta:
        app_label, db_table = "shop", "items"


class Order(models.Model):  # type: ignore[misc]
    """A row of `orders`."""

    name = models.TextField()
    stock = models.ForeignKey(Item, models.DO_NOTHING, db_column="stock")

    class Meta:
        app_label, db_table = "shop", "orders"


def statements(size: int) -> Iterator[str]:
    """Yield different statements; those of another `size`, which is that of all lists, are the same queries."""
    for where in _conditions(size):
        found = Item.objects.filter(where)
        for query in (found.values("id"), found.order_by("-name")[:size], found.values("name").annotate(Count("id"))):
            yield query.query.sql_with_params()[0]
        yield _compiled(found.query.chain(DeleteQuery))
        for change in ({"name": "n" * size}, {"stock": F("stock") + size}, {"stock": F("stock") - size}):
            update = found.query.chain(UpdateQuery)
            update.add_update_values(change)
            yield _compiled(update)
    orders = Order.objects.select_related("stock").filter(stock__price__gt=size)
    yield orders.query.sql_with_params()[0]
    cases = Case(When(stock__gt=size, then=Value("many")), default=Value("few"))
    yield Item.objects.annotate(amount=cases).filter(id__in=range(size)).query.sql_with_params()[0]
    yield _inserted([Item(name="n" * size, price=size, active=True, stock=size), Item(name="m", price=1, stock=2)])


def _conditions(size: int) -> Iterator[Any]:
    numbers, texts = list(range(size)), [f"name '{number}'" for number in range(size)]
    yield Q(id=size)
    yield Q(id__in=numbers)
    yield ~Q(id__in=numbers)
    yield Q(name__in=texts) | Q(stock__in=numbers, active=True)
    yield Q(name__contains="x" * size)
    yield Q(stock__range=(-size, size))
    yield Q(active=False, id__in=numbers)
    yield Q(name__in=texts, stock__gte=-size)
    yield Q(Exists(Order.objects.filter(stock=OuterRef("pk"), id__in=numbers)))
    yield Q(id__in=Order.objects.filter(id__in=numbers).values("stock"))
    yield Q(stock__gt=Coalesce("id", size))


def _compiled(query: Any) -> str:
    return str(query.get_compiler("default").as_sql()[0])


def _inserted(rows: list[Item]) -> str:
    query = InsertQuery(Item)
    query.insert_values([field for field in Item._meta.concrete_fields if field.name != "id"], rows)
    return str(query.get_compiler("default").as_sql()[0][0])
