"""Pages of a list by cursor: a page begins after the last item of the page before, wherever that is by now."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from heapq import nlargest, nsmallest
from typing import NamedTuple, TypeAlias

import msgspec

from sidecar.api.json.problem import ProblemError

Key: TypeAlias = tuple[float | str, str]
"""What an item is sorted by, and its id: no two items of a list have the same. Values of one list are of one type."""


class Page(NamedTuple):
    """The keys of a page in order; `has_more` says whether others follow."""

    keys: Sequence[Key]
    has_more: bool


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    query: str
    value: float | str
    id: str


def page_of(keys: Iterable[Key], after: Key | None, limit: int, *, descending: bool) -> Page:
    """Return the first `limit` of `keys` in order, of those that come after the key `after`.

    So no item comes twice while others are added, nor while what it is sorted by moves it towards the beginning.
    """
    if descending:
        found = nlargest(limit + 1, (key for key in keys if after is None or key < after))
    else:
        found = nsmallest(limit + 1, (key for key in keys if after is None or key > after))
    return Page(found[:limit], len(found) > limit)


def cursor_of(key: Key, query: str) -> str:
    """Return the cursor of the page after the item `key`; `query` is what the list was asked for with."""
    value, ident = key
    return urlsafe_b64encode(msgspec.json.encode(_Cursor(_digest(query), value, ident))).decode().rstrip("=")


def key_of(cursor: str, query: str) -> Key:
    """Return the key that `cursor` stands for; raise ProblemError if it is none, or one of another query."""
    try:
        found = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Cursor)
    except ValueError as error:
        raise ProblemError(400, "the cursor is not one that was given in `next`") from error
    if found.query != _digest(query):
        raise ProblemError(400, "the cursor belongs to a list with other filters, or in another order")
    return found.value, found.id


def _digest(query: str) -> str:
    return blake2b(query.encode(), digest_size=6).hexdigest()
