"""A request's bytes into the sink: nothing of it if they are not what they should be."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import islice
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol, TypeVar

from sidecar.model.forward import JSON, PROTOBUF
from sidecar.model.refusals import RefusalSum
from sidecar.model.sample import Sink
from sidecar.model.steps import Steps
from sidecar.receive.otlp.allowance import Held
from sidecar.runtime.turns import Turns

_HELD_BATCHES = 32
"""Batches of a body that are kept parsed while the rest is checked; longer bodies are parsed again instead, because
64 MiB of tiny spans would be gigabytes of parsed ones."""

BatchT = TypeVar("BatchT", bound=Sized)
BatchT_contra = TypeVar("BatchT_contra", bound=Sized, contravariant=True)
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


class Intake(Protocol[BatchT_contra]):
    """Where the items of requests go that are known to be good."""

    async def take(self, batches: Iterable[BatchT_contra], held: Held, turns: Turns, /) -> tuple[int, RefusalSum]:
        """Take the items of a request in `turns`; return how many there were, and which of them were refused.

        What of the request outlives the call takes over what is `held` for it.
        """
        ...


class AtOnce(Generic[BatchT]):
    """Gives the items of each request to a sink before it is answered."""

    def __init__(self, sink: Sink[BatchT]) -> None:
        self._sink = sink

    async def take(self, batches: Iterable[BatchT], _: Held, turns: Turns) -> tuple[int, RefusalSum]:
        """Give each batch to the sink."""
        total, refused = 0, RefusalSum()
        for batch in batches:
            total += len(batch)
            refused.add(self._sink.accept(batch))
            await turns.pause()
        return total, refused


class Ingest(Generic[BatchT]):
    """Has an intake take the items of requests of one signal, and `forward` the body, which must not wait."""

    def __init__(
        self,
        intake: Intake[BatchT],
        turns: Turns,
        protobuf: Read[BatchT],
        json: Read[BatchT],
        forward: Forward = lambda _, __: None,
    ) -> None:
        self.protobuf = protobuf
        self.json = json
        self._intake = intake
        self._turns = turns
        self._forward = forward

    async def ingest(self, body: bytes, read: Read[BatchT], held: Held) -> Ingested:
        """Take the items of `body`, which is read by `protobuf` or `json`; raise SenderError before any was taken."""
        async with self._turns.begin() as received_at:
            whole = await self._turns.take(read(body, received_at))
            batches = iter(whole)
            parsed = []
            for batch in islice(batches, _HELD_BATCHES):
                parsed.append(batch)
                await self._turns.pause()
            is_parsed = True
            for _ in batches:
                is_parsed = False
                parsed.clear()
                await self._turns.pause()
            good = parsed if is_parsed else await self._turns.take(read(body, received_at))
            total, refused = await self._intake.take(good, held, self._turns)
            self._forward(JSON if read == self.json else PROTOBUF, body)
            accepted = total - refused.count
            return Ingested(accepted, whole.rejected, refused.count, whole.skipped, refused.invalid, refused.reasons)
