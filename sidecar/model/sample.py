"""Batches of samples on their way to /metrics and the head, and the values that mean 'no value'."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sidecar.model.family import FamilySamples
from sidecar.model.labels import EMPTY, Labels, with_target
from sidecar.model.steps import STEP_SIZE, slices

STALE_BITS = 0x7FF0000000000002
"""Prometheus' staleness marker: the series ended here. Compare bits; arithmetic destroys the payload."""

ABSENT_BITS = 0x7FF0000000000004
"""Ours, inside a block only: the series has no sample at this time, look further back."""

T_contra = TypeVar("T_contra", contravariant=True)


def float_of_bits(bits: int) -> float:
    """Return the IEEE 754 double with exactly these 64 bits."""
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return value


STALE = float_of_bits(STALE_BITS)
ABSENT = float_of_bits(ABSENT_BITS)


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """All samples of one source at one time.

    `source` names the block in the head and the page on /metrics, for instance `postgres/main`. `time_ms` is Unix time
    in milliseconds, Prometheus' own resolution. `target` holds the job and instance labels, which only the head adds.
    `up` becomes the `up` series of the target; None for a source that is not a scraped target. `extra` holds labels
    that /metrics and the head add, and the target's own page on /probe does not. `error` says what went wrong in a
    scrape, without secrets.
    """

    source: str
    time_ms: int
    target: Labels
    families: Sequence[FamilySamples]
    up: bool | None = None
    extra: Labels = EMPTY
    error: str = ""


def in_parts(families: Iterable[FamilySamples]) -> Iterator[FamilySamples]:
    """Yield `families`, the large ones in parts of a step's work each."""
    for family in families:
        if len(family.samples) <= STEP_SIZE:
            yield family
        else:
            yield from (family._replace(samples=part) for part in slices(family.samples))


def labelled(family: FamilySamples, extra: Labels) -> FamilySamples:
    """Return `family` with `extra` on every sample; a label of the sample by that name is kept as `exported_`."""
    if not extra:
        return family
    samples = [sample._replace(labels=with_target(sample.labels, extra)) for sample in family.samples]
    return family._replace(samples=samples)


class Sink(Protocol[T_contra]):
    """Takes what a source has, at once and without blocking."""

    def accept(self, batch: T_contra, /) -> int:
        """Take `batch`; return how many of its items were refused: `Refusals` if for more than a limit."""
        ...
