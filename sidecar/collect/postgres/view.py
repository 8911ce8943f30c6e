"""What a collector of one statistics view is: SQL by server version, families, and a pure conversion of the rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels, labels_of

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """What a conversion may know of the server.

    `version` is server_version_num (180006). `can_monitor` tells whether the role sees what other roles do: without it
    a missing row is unknown, not zero. `address` is host:port as configured.
    """

    version: int
    version_text: str = ""
    address: str = ""
    in_recovery: bool = False
    can_monitor: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """A collector; its `name` is the `collector` label of postgres_exporter and the name in `views.include`.

    `sql` maps the lowest version (server_version_num) to the statement; the highest that fits is used, and below all
    of them the view is not collected. Columns are named, never `*`, and cast to int8, float8, bool or text.
    A `slow` one may take long on a large server and is asked last, so that the deadline takes no other with it.
    `families` are all that `convert` may return, for the reference; `convert` knows no time, chance or I/O.
    """

    name: str
    sql: Mapping[int, str]
    families: tuple[Family, ...]
    convert: Callable[[Sequence[Row], Server], Iterable[FamilySamples]]
    default: bool = True
    slow: bool = False

    def sql_for(self, version: int) -> str | None:
        """Return the statement for a server of `version`, None if the view does not exist there."""
        fitting = [lowest for lowest in self.sql if lowest <= version]
        return self.sql[max(fitting)] if fitting else None


def per_column(
    rows: Sequence[Row], families: Mapping[str, Family], labels: Sequence[str] = ()
) -> Iterable[FamilySamples]:
    """Yield each family of `families` (by column) with one sample per row, labelled by the columns `labels`.

    NULL is no sample: what the server does not know is left out. A column that the version lacks is skipped.
    """
    label_sets = [labels_of((name, text_of(row[name])) for name in labels) for row in rows]
    for column, family in families.items():
        samples = [
            Sample(family.name, label_set, float(row[column]))
            for row, label_set in zip(rows, label_sets, strict=True)
            if row.get(column) is not None
        ]
        if samples:
            yield FamilySamples(family, samples)


def one(family: Family, value: float | None, labels: Labels = ()) -> Iterable[FamilySamples]:
    """Yield `family` with a single sample, or nothing for None."""
    if value is not None:
        yield FamilySamples(family, [Sample(family.name, labels, float(value))])


def text_of(value: Any) -> str:
    """Return a column as a label value; NULL is the empty value, which equals no label."""
    return "" if value is None else str(value)
