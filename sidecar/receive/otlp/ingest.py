"""A request's bytes into the sink: nothing of it if they are not what they should be."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import chain, islice
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar

from sidecar.model.forward import JSON, PROTOBUF
from sidecar.model.refusals import RefusalSum
from sidecar.model.sample import Sink
from sidecar.model.steps import Steps
from sidecar.runtime.turns import Turns

STEP_SECONDS = 0.005
"""How long the sink should take for a batch."""
FEWEST_ITEMS = 20
"""Items that are not split up any further."""
_HELD_BATCHES = 32
"""Batches of a body that are kept parsed while the rest is checked; longer bodies are parsed again instead, because
64 MiB of tiny spans would be gigabytes of parsed ones."""

BatchT = TypeVar("BatchT", bound=Sized)
BatchT_co = TypeVar("BatchT_co", bound=Sized, covariant=True)


class Batches(Protocol[BatchT_co]):
    """The items of a request, to be iterated once.

    Each step takes about 5 ms at most. SenderError is raised at the first mistake, so a request is known to be good
    only after its last batch. `rejected` counts items that were left out so far, `skipped` parts of items that were not
    looked at, by kind.
    """

    @property
    def rejected(self) -> int: ...  # noqa: D102 - see above
    @property
    def skipped(self) -> Mapping[str, int]: ...  # noqa: D102

    def __iter__(self) -> Iterator[BatchT_co]:
        """Yield the items in batches; one may be empty."""
        ...


Read = Callable[[bytes, float], Steps[Batches[BatchT]]]
"""Opens a body that was received at a Unix time, in steps of about 5 ms; raises SenderError."""


class Ingested(NamedTuple):
    """What became of the items of a request, and of parts of items by their kind.

    `rejected` ones were left out before the sink, `refused` ones by the sink: `invalid` of them for what they are, the
    others because of a limit. `reasons` are the sink's, each with the number of items.
    """

    accepted: int
    rejected: int
    refused: int
    skipped: Mapping[str, int]
    invalid: int = 0
    reasons: Mapping[str, int] = MappingProxyType({})

    @property
    def lost(self) -> int:
        """How many items were not taken."""
        return self.rejected + self.refused

    @property
    def reason(self) -> str:
        """Why items were not taken, for the sender."""
        others = self.refused - sum(self.reasons.values())
        reasons = (
            f"{self.rejected} were too large" if self.rejected else "",
            *(f"{count}: {reason}" for reason, count in self.reasons.items()),
            f"{others} {'more were refused' if self.reasons else 'were over a limit of what is kept'}"
            if others
            else "",
        )
        return ", ".join(filter(None, reasons))


Forward = Callable[[str, bytes], object]
"""Is given the media type and the body of each request that was taken, as it was received."""

Split = Callable[[BatchT, int], Iterable[BatchT]]
"""Returns the items of a batch in batches of at most so many."""


class Ingest(Generic[BatchT]):
    """Gives the items of requests of one signal to a sink, and then the body to `forward`, which must not wait."""

    def __init__(
        self,
        sink: Sink[BatchT],
        turns: Turns,
        protobuf: Read[BatchT],
        json: Read[BatchT],
        forward: Forward = lambda _, __: None,
        split: Split[BatchT] | None = None,
    ) -> None:
        """`split` is for a sink that takes far longer for items of which it has seen none like them."""
        self.protobuf = protobuf
        self.json = json
        self._sink = sink
        self._turns = turns
        self._forward = forward
        self._split = split
        self._seconds_per_item = 0.0

    async def ingest(self, body: bytes, read: Read[BatchT]) -> Ingested:
        """Give the items of `body`, which is read by `protobuf` or `json`; raise SenderError before any was given."""
        async with self._turns.begin() as received_at:
            whole = await self._turns.take(read(body, received_at))
            batches = iter(whole)
            held = []
            for batch in islice(batches, _HELD_BATCHES):
                held.append(batch)
                await self._turns.pause()
            is_held = True
            for _ in batches:
                is_held = False
                held.clear()
                await self._turns.pause()
            total, refused = await self._feed(held if is_held else await self._turns.take(read(body, received_at)))
            self._forward(JSON if read == self.json else PROTOBUF, body)
            accepted = total - refused.count
            return Ingested(accepted, whole.rejected, refused.count, whole.skipped, refused.invalid, refused.reasons)

    async def _feed(self, batches: Iterable[BatchT]) -> tuple[int, RefusalSum]:
        """Return how many items there were, and which of them the sink refused."""
        total, refused = 0, RefusalSum()
        for part in chain.from_iterable(map(self._parts, batches)):
            begun = self._turns.clock.monotonic()
            total += len(part)
            refused.add(self._sink.accept(part))
            if len(part) >= FEWEST_ITEMS:
                self._seconds_per_item = (self._turns.clock.monotonic() - begun) / len(part)
            await self._turns.pause()
        return total, refused

    def _parts(self, batch: BatchT) -> Iterable[BatchT]:
        """Return `batch` in parts of a step each, if items take as long as the last ones did."""
        seconds = self._seconds_per_item * len(batch)
        if self._split is None or seconds <= STEP_SECONDS:
            return (batch,)
        return self._split(batch, max(FEWEST_ITEMS, int(STEP_SECONDS / self._seconds_per_item)))
