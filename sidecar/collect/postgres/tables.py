"""Which tables of a database are shown where it has more than the limit: the biggest, the same in every view."""

from sidecar.collect.postgres.config import TablesConfig

# From the sizes that the last VACUUM or ANALYZE wrote down: asking for the real ones would wait for locks.
_BIGGEST = """
WITH biggest AS (
    SELECT oid, found
      FROM (SELECT oid, relname, relpages, count(*) OVER () AS found
              FROM pg_catalog.pg_class
             WHERE relkind IN ({kinds})
               AND relnamespace NOT IN (
                   SELECT oid FROM pg_catalog.pg_namespace
                    WHERE nspname IN ('pg_catalog', 'information_schema') OR nspname ~ '^pg_toast')) tables
     ORDER BY relpages DESC, oid
     LIMIT {limit})"""

KINDS = {100000: "'r', 'm'", 140000: "'r', 'm', 'p'"}
"""Kinds of relations in pg_stat_user_tables, by the lowest version."""


def of_biggest_tables(statement: str, config: TablesConfig | None = None) -> dict[int, str]:
    """Return `statement` by version, with a table expression `biggest` before it.

    That has the `oid` of each table within the limit, and how many were `found` in all. An `= ANY (ARRAY(...))` over it
    reaches into the statistics views, so that they do not look at the other tables; a join does not.
    """
    limit = (config or TablesConfig()).max
    return {version: _BIGGEST.format(kinds=kinds, limit=limit) + statement for version, kinds in KINDS.items()}
