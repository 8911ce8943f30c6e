"""Records of a store as the items of a resource."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidecar.api.json.paging import Key
from sidecar.api.json.resource import Item, ListQuery
from sidecar.model.steps import STEP_SIZE, Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import in_turns

RecordT = TypeVar("RecordT")
ShownT = TypeVar("ShownT")
QueryT = TypeVar("QueryT", bound=ListQuery)


@dataclass(frozen=True, slots=True)
class Records(Generic[RecordT, QueryT]):
    """Finds records and shows them: `keys` and `get` are those of a `Resource`.

    `every` returns all records at a moment; others may change the store while they are looked at. A list has those
    that fit its query, by their `key`.
    """

    every: Callable[[], Iterable[RecordT]]
    find: Callable[[str], RecordT | None]
    fits: Callable[[RecordT, QueryT], bool]
    key: Callable[[RecordT, QueryT], Key]
    show: Callable[[RecordT], Item]
    clock: Clock

    async def keys(self, query: QueryT) -> Iterable[Key]:
        """Return the keys of the records that fit `query`."""
        return await in_turns(self._keys(query), self.clock)

    async def get(self, ident: str) -> Item | None:
        """Return the record with this id as an item; None if there is none."""
        return await self.view(self.show)(ident)

    def view(self, show: Callable[[RecordT], ShownT]) -> Callable[[str], Awaitable[ShownT | None]]:
        """Return what shows the record with an id in another way."""

        async def get(ident: str) -> ShownT | None:
            record = self.find(ident)
            return None if record is None else show(record)

        return get

    def _keys(self, query: QueryT) -> Steps[list[Key]]:
        found: list[Key] = []
        for number, record in enumerate(self.every(), 1):
            if self.fits(record, query):
                found.append(self.key(record, query))
            if number % STEP_SIZE == 0:
                yield
        return found
