"""From the rows of an operator's query to families."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf, isnan
from typing import Any

from sidecar.codec.exposition import format_float
from sidecar.collect.postgres.queries.config import ColumnConfig, Usage
from sidecar.collect.postgres.queries.load import METRIC_NAME
from sidecar.collect.postgres.queries.query import SERVER, Query
from sidecar.collect.postgres.queries.statement import DATABASE, OWN_COLUMNS, TOTAL
from sidecar.collect.postgres.queries.values import (
    NotANumberError,
    kind_of,
    label_of,
    mapped,
    milliseconds_of,
    number_of,
)
from sidecar.collect.postgres.view import Row, Server, one
from sidecar.model.errors import TargetError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of

ROWS_LEFT_OUT = Family(
    "sidecar_pg_query_rows_left_out",
    MetricType.GAUGE,
    "Rows of a query of your own that are not taken because `max_rows` is reached.",
    ("collector", "datname"),
)


class Conversion:
    """Makes families of what `query` gave; those named in `taken` are left out, for others give them."""

    def __init__(self, query: Query, taken: Collection[str]) -> None:
        self._query = query
        self._columns = dict(query.columns)
        self._taken = taken
        self._families = query.families()
        histograms = [name for name, column in query.columns if column.usage is Usage.HISTOGRAM]
        self._parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}

    def families(self) -> tuple[Family, ...]:
        """Return the families that are known beforehand."""
        return (*(family for family in self._families.values() if family.name not in self._taken), ROWS_LEFT_OUT)

    def __call__(self, rows: Sequence[Row], server: Server) -> Iterator[FamilySamples]:
        """Yield one family a column; what cannot be a number is left out and noted, by column and kind.

        Raises TargetError with query and column where the result has not the columns that the file speaks of.
        """
        kept = rows[: self._query.config.max_rows]
        yield from self._left_out(rows, kept)
        if kept:
            labels = [self._labels(row, server) for row in kept]
            for column in dict.fromkeys(kept[0].keys()):
                family = self._family(column)
                if family is not None:
                    yield FamilySamples(
                        family, list(self._samples(family, column, zip(kept, labels, strict=True), server))
                    )

    def _left_out(self, rows: Sequence[Row], kept: Sequence[Row]) -> Iterable[FamilySamples]:
        first = rows[0] if rows else {}
        if rows or not self._query.per_database:
            database = first.get(DATABASE, "") if self._query.per_database else ""
            labels = labels_of({"collector": self._query.namespace, "datname": database})
            yield from one(ROWS_LEFT_OUT, first.get(TOTAL, len(rows)) - len(kept), labels)

    def _labels(self, row: Row, server: Server) -> Labels:
        longest = self._query.config.max_label_length
        try:
            labels = {name: label_of(row[name])[:longest] for name in self._query.labels}
        except KeyError as error:
            raise self._error(error.args[0], "is a label, and not in the result") from error
        return labels_of({SERVER: server.address, **labels})

    def _family(self, column: str) -> Family | None:
        family = self._families.get(column)
        if column not in self._columns and column not in OWN_COLUMNS | self._parts:
            family = self._query.unknown_family(column)
        if family is None or family.name in self._taken or not METRIC_NAME.fullmatch(family.name):
            return None
        return family

    def _samples(
        self, family: Family, column: str, rows: Iterable[tuple[Row, Labels]], server: Server
    ) -> Iterator[Sample]:
        config = self._columns.get(column)
        of_row = self._histogram if config is not None and config.usage is Usage.HISTOGRAM else self._single
        for row, labels in rows:
            try:
                yield from of_row(family.name, column, row, labels)
            except NotANumberError as error:
                server.notes.unreadable(f"column `{column}` is {error} where a number is needed")

    def _single(self, name: str, column: str, row: Row, labels: Labels) -> Iterable[Sample]:
        value = self._value(self._columns.get(column), column, row)
        return () if value is None else (Sample(name, labels, value),)

    def _value(self, config: ColumnConfig | None, column: str, row: Row) -> float | None:
        if config is None:
            return _number_or_nothing(row[column])
        if config.usage is Usage.MAPPEDMETRIC:
            return mapped(row[column], config.metric_mapping)
        return milliseconds_of(row[column]) if config.usage is Usage.DURATION else number_of(row[column])

    def _histogram(self, name: str, column: str, row: Row, labels: Labels) -> Iterable[Sample]:
        bounds, counts, total, count = (self._part(column, part, row) for part in ("", "_bucket", "_sum", "_count"))
        if bounds is None or counts is None:
            return ()
        buckets = {bound: amount for bound, amount in zip(bounds, counts, strict=False) if _is_a_bound(bound)}
        of_bounds = [(format_float(bound), amount) for bound, amount in sorted(buckets.items())]
        return (
            *(
                Sample(f"{name}_bucket", labels_of((*labels, ("le", bound))), amount or 0.0)
                for bound, amount in (*of_bounds, ("+Inf", count))
            ),
            Sample(f"{name}_sum", labels, total or 0.0),
            Sample(f"{name}_count", labels, count or 0.0),
        )

    def _part(self, column: str, part: str, row: Row) -> Any:
        name = f"{column}{part}"
        if name not in row:
            raise self._error(name, "is a part of a histogram, and not in the result")
        value = row[name]
        if part in ("", "_bucket") and isinstance(value, list):
            return [number_of(item) for item in value]
        if part in ("", "_bucket") and value is not None:
            raise self._error(name, f"is {kind_of(value)} where a histogram needs an array")
        return number_of(value)

    def _error(self, column: str, what: str) -> TargetError:
        return TargetError(f"query `{self._query.namespace}`: column `{column}` {what}")


def _is_a_bound(bound: float | None) -> bool:
    """Return whether a bucket has such a bound; the one that is infinite has the count of all."""
    return bound is not None and not isnan(bound) and bound != inf


def _number_or_nothing(value: Any) -> float | None:
    """Return the number in a column that nobody spoke of, if there is one."""
    try:
        return number_of(value)
    except NotANumberError:
        return None
