"""What a query answers."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sidecar.model.labels import Labels
from sidecar.model.series import Floats, Ints


class Sample(NamedTuple):
    """One element of an instant vector; `labels` include `__name__` where the expression keeps it."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector: samples at `time_ms`, in the order the expression gives them."""

    time_ms: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number without labels."""

    time_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class String:
    """One text."""

    time_ms: int
    value: str


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a matrix: `times` in Unix milliseconds and as many `values`."""

    labels: Labels
    times: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Matrix:
    """Series sorted by labels; each has at least one sample."""

    series: tuple[Series, ...]


Result: TypeAlias = Vector | Scalar | String | Matrix
