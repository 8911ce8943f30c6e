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
     WHERE CASE WHEN getdatabaseencoding() = 'SQL_ASCII' THEN relname ~ '{utf8}' ELSE true END
     ORDER BY relpages DESC, oid
     LIMIT {limit})"""

# A database in SQL_ASCII takes any bytes as a name, and sends none of a result with one that is not UTF-8.
_UTF8 = (
    r"^([\x01-\x7f]"
    r"|([\xc2-\xdf]|\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|\xf0[\x90-\xbf][\x80-\xbf]|\xf4[\x80-\x8f][\x80-\xbf])[\x80-\xbf]"
    r"|([\xe1-\xec\xee\xef]|[\xf1-\xf3][\x80-\xbf])[\x80-\xbf]{2})*$"
)

KINDS = {100000: "'r', 'm'", 140000: "'r', 'm', 'p'"}
"""Kinds of relations in pg_stat_user_tables, by the lowest version."""


def of_biggest_tables(statement: str, config: TablesConfig | None = None) -> dict[int, str]:
    """Return `statement` by version, with a table expression `biggest` before it.

    That has the `oid` of each table within the limit whose name is UTF-8, and how many were `found` in all. An
    `= ANY (ARRAY(...))` over it reaches into the statistics views, so that they do not look at the other tables; a
    join does not.
    """
    limit = (config or TablesConfig()).max
    return {
        version: _BIGGEST.format(kinds=kinds, limit=limit, utf8=_UTF8) + statement for version, kinds in KINDS.items()
    }
