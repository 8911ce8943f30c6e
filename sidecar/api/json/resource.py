"""What a resource of the JSON API is: a noun with a list, items, views of an item, and actions on one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sidecar.api.json.paging import Key

MOST_ITEMS = 500


class Item(BaseModel):
    """Base of what a resource shows; every field carries a description, which is its documentation."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Names the item in the path, and stays the same as long as the item is kept.")


class ListQuery(BaseModel):
    """Base of the parameters of a list: those that every list takes. A resource adds its filters and `sort`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(50, ge=1, le=MOST_ITEMS, description="Most items of a page.")
    cursor: str | None = Field(
        None, max_length=1000, pattern=r"^[\w-]*$", description="Where the page begins, from the `next` before it."
    )
    fields: str | None = Field(
        None, max_length=1000, description="Only these fields, as in `a,b.c`; `id` is always there."
    )

    @property
    def descending(self) -> bool:
        """Whether the list begins with the largest key."""
        return True


QueryT = TypeVar("QueryT", bound=ListQuery)


@dataclass(frozen=True, slots=True)
class View:
    """A part or form of an item with a path of its own, `/{id}/{name}`; None when there is no such item.

    `get` returns a `model`, or without one any object, or that as JSON.
    """

    summary: str
    model: type[BaseModel] | None
    get: Callable[[str], Awaitable[BaseModel | Mapping[str, Any] | bytes | None]]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done to an item by POST `/{id}/{name}`; `do` returns the item after it, None if absent."""

    summary: str
    do: Callable[[str], Awaitable[Item | None]]


@dataclass(frozen=True, slots=True)
class Resource(Generic[QueryT]):
    """A noun of the API, `/api/v1/{name}`.

    `keys` returns the keys of all items that fit the query, in any order. A page of them is then asked for one by one
    with `get`; an item that is gone by then is left out. Both wait for nothing but their turn on the event loop.
    """

    name: str
    summary: str
    item: type[Item]
    query: type[QueryT]
    keys: Callable[[QueryT], Awaitable[Iterable[Key]]]
    get: Callable[[str], Awaitable[Item | None]]
    views: Mapping[str, View] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
