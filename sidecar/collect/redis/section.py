"""What a section of INFO is: families, and a pure conversion of the parsed reply."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

Info = Mapping[str, str]
"""The fields of INFO ALL by name; no name stands in two sections."""

_STATUS = {"ok": 1.0, "err": 0.0, "fail": 0.0, "up": 1.0, "down": 0.0}


@dataclass(frozen=True, slots=True)
class Section:
    """A section of INFO; its `name` is the one in `sections.include`.

    `convert` gets the whole reply and the Unix time of its arrival; it knows no chance or I/O. `families` are all that
    it may return. A field that the server does not have is left out, so one table serves every version.
    """

    name: str
    families: tuple[Family, ...]
    convert: Callable[[Info, float], Iterable[FamilySamples]]
    default: bool = True


class Field(NamedTuple):
    """One number of INFO: its field, its family, and what it is multiplied by to get the family's unit."""

    field: str
    family: Family
    factor: float = 1.0


def gauge(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    """Return the field as the gauge `redis_<name>`."""
    return Field(field, Family(f"redis_{name}", MetricType.GAUGE, text), factor)


def counter(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    """Return the field as the counter `redis_<name>`."""
    return Field(field, Family(f"redis_{name}", MetricType.COUNTER, text), factor)


def section_of(name: str, fields: tuple[Field, ...]) -> Section:
    """Return a section that is numbers only."""

    def convert(info: Info, now: float) -> Iterable[FamilySamples]:
        return numbers(info, fields)

    return Section(name, tuple(field.family for field in fields), convert)


def numbers(info: Info, fields: Iterable[Field], labels: Labels = ()) -> Iterable[FamilySamples]:
    """Yield one sample for each field that is there and is a number or a status."""
    for field, family, factor in fields:
        value = number_of(info.get(field))
        if value is not None:
            yield FamilySamples(family, [Sample(family.name, labels, value * factor)])


def number_of(text: str | None) -> float | None:
    """Return a field's value as a number; `ok` and `up` are 1, `err`, `fail` and `down` 0, other words nothing."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return _STATUS.get(text)


def by_label(rows: Mapping[str, Mapping[str, str]], label: str, fields: Iterable[Field]) -> Iterable[FamilySamples]:
    """Yield each family with one sample per row, whose key is the value of `label`."""
    for field, family, factor in fields:
        samples = [
            Sample(family.name, labels_of(((label, key),)), value * factor)
            for key, row in rows.items()
            if (value := number_of(row.get(field))) is not None
        ]
        if samples:
            yield FamilySamples(family, samples)


def parse_info(text: str) -> dict[str, str]:
    """Return the fields of an INFO reply; headings, empty lines and what has no colon are skipped."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {field: value for field, colon, value in pairs if colon}


def rows_with(info: Info, prefix: str) -> dict[str, dict[str, str]]:
    """Return the fields that start with `prefix` by the rest of their name, their `k=v,...` taken apart by name."""
    return {field[len(prefix) :]: parse_pairs(value) for field, value in info.items() if field.startswith(prefix)}


def parse_pairs(text: str) -> dict[str, str]:
    """Return `a=1,b=2` as a dict, whatever the order and whichever pairs a version has."""
    return {key: value for key, equals, value in (pair.partition("=") for pair in text.split(",")) if equals}
