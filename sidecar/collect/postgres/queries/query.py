"""A query of the operator's own, read and checked."""

from dataclasses import dataclass

from sidecar.collect.postgres.queries.config import ColumnConfig, QueryConfig, Usage
from sidecar.model.family import Family, MetricType

_TYPES = {
    Usage.COUNTER: MetricType.COUNTER,
    Usage.GAUGE: MetricType.GAUGE,
    Usage.HISTOGRAM: MetricType.HISTOGRAM,
    Usage.DURATION: MetricType.GAUGE,
    Usage.MAPPEDMETRIC: MetricType.GAUGE,
}

SERVER = "server"
"""Label of every series, as postgres_exporter's: host:port of the DSN."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query by the `namespace` that its metrics begin with; `columns` are those that the file speaks of."""

    namespace: str
    config: QueryConfig
    columns: tuple[tuple[str, ColumnConfig], ...]

    @property
    def every_seconds(self) -> float:
        """How seldom it is asked; 0: at each scrape."""
        return self.config.interval_seconds or self.config.cache_seconds

    @property
    def per_database(self) -> bool:
        """Whether it is asked in each database that is discovered, as postgres_exporter does unless told otherwise."""
        return not self.config.master if self.config.databases is None else self.config.databases

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns that are labels, in the file's order."""
        return tuple(name for name, column in self.columns if column.usage is Usage.LABEL)

    def families(self) -> dict[str, Family]:
        """Return the family of each column that becomes one."""
        return {name: self._family(name, column) for name, column in self.columns if column.usage in _TYPES}

    def _family(self, column: str, config: ColumnConfig) -> Family:
        unit = "_milliseconds" if config.usage is Usage.DURATION else ""
        text = config.description or f"Column {column} of the query {self.namespace}."
        return Family(
            f"{self.namespace}_{column}{unit}", _TYPES[config.usage], text, tuple(sorted({SERVER, *self.labels}))
        )

    def unknown_family(self, column: str) -> Family:
        """Return the family of a column that the file does not speak of."""
        text = f"Column {column} of the query {self.namespace}, whose file does not say what it is."
        return Family(f"{self.namespace}_{column}", MetricType.UNTYPED, text, tuple(sorted({SERVER, *self.labels})))
