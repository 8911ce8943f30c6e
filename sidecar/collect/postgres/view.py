"""What a collector of one statistics view is: SQL by server version, families, and a pure conversion of the rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels, labels_of

Row = Mapping[str, Any]


@dataclass(slots=True)
class Notes:
    """What a conversion tells beside its families: values that it left out, and what somebody should do."""

    left_out: int = 0
    example: str = ""
    advice: list[str] = field(default_factory=list)

    def unreadable(self, what: str, count: int = 1) -> None:
        """Note that `count` values or rows are left out; `what` is wrong, in words that show no value."""
        self.left_out += count
        self.example = self.example or what


@dataclass(frozen=True, slots=True)
class Server:
    """What a conversion may know of the server.

    `version` is server_version_num (180006). `can_monitor` tells whether the role sees what other roles do: without it
    a missing row is unknown, not zero. `address` is host:port as configured. `notes` is where a conversion tells more.
    """

    version: int
    version_text: str = ""
    address: str = ""
    can_monitor: bool = True
    notes: Notes = field(default_factory=Notes, compare=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one statement that are not the session's, in seconds; None: the session's.

    With `roles_names` names without a schema are looked up in the role's search_path, which others may have put
    functions into, instead of among the server's own only.
    """

    statement_seconds: float | None = None
    lock_seconds: float | None = None
    roles_names: bool = False


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When and where a view is asked.

    One `per_database` is asked in every discovered database, others once. One with `every_seconds` is asked so seldom
    and shows its last values meanwhile, with their age. A `slow` one may take long on a large server and is asked after
    all that are not, in every database, so that the deadline takes none of those with it.
    """

    per_database: bool = False
    every_seconds: float = 0.0
    slow: bool = False


EACH_SCRAPE = Schedule()

SCHEMA = "<schema>"
"""Stands in a statement for the schema of an extension, which the view's predicate finds."""

Convert = Callable[[Sequence[Row], Server], Iterable[FamilySamples]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A collector; its `name` is the `collector` label of postgres_exporter and the name in `views.include`.

    `sql` maps the lowest version (server_version_num) to the statement; the highest that fits is used, and below all
    of them the view is not collected. Columns are named, never `*`, and cast to int8, float8, bool or text; names that
    all databases share, of databases, roles and slots, are left as `name`, which is read by rules of its own.
    `families` are all that `convert` may return, for the reference; `convert` knows no time, chance or I/O.
    `preset` is the smallest preset that the view belongs to.

    `predicate` is SQL for one value: where it is not true, the view is not collected, and a text stands for SCHEMA in
    the statement. An `operators_own` view is a query from a file: it comes last, and its failure is one of the whole
    scrape. A `limited` one has a limit of its own for what it shows; in all others BoundedLabelSets cuts names without
    end.
    `adapt` returns the view as the configuration of one target wants it, with a state of its own where it has one;
    then `probe` is the conversion without it, for finding rows that cannot be read.
    """

    name: str
    sql: Mapping[int, str]
    families: tuple[Family, ...]
    convert: Convert
    preset: Preset = Preset.BASIC
    schedule: Schedule = EACH_SCRAPE
    limits: Limits = NO_LIMITS
    predicate: str | None = None
    operators_own: bool = False
    limited: bool = False
    adapt: Callable[[PostgresConfig], "View"] | None = None
    probe: Convert | None = None

    def for_target(self, config: PostgresConfig) -> "View":
        """Return the view as `config` wants it."""
        return self.adapt(config) if self.adapt else self

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
