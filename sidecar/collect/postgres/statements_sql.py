"""What the views about statements ask in common."""

from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.extension import schema_of
from sidecar.collect.postgres.view import SCHEMA

STATEMENTS_VIEW = "stat_statements"
STATEMENTS_PRESET = Preset.FULL

SCHEMA_SQL = schema_of("pg_stat_statements", "pg_stat_statements", "boolean")
"""Where the extension is in this database, if it is."""

# Its settings have a type only when the server loaded it at its start: one that somebody wrote into a file is a text.
IS_LOADED_SQL = """EXISTS (SELECT FROM pg_catalog.pg_settings
                WHERE name = 'pg_stat_statements.max' AND vartype = 'integer')"""
"""Whether the server records statements: without that, asking the extension is an error each time."""

CAN_ASK_SQL = f"{SCHEMA_SQL} AND {IS_LOADED_SQL}"
"""The schema where there is anything to ask."""

# The extension may be older than the server after an upgrade, so the server's version does not tell its columns: a
# column that it lacks is found in `absent` instead, where it is NULL. Other roles' rows have no queryid unless the role
# is in pg_read_all_stats. A statement has a row as called by a client and one as called within functions.
NUMBERS_SQL = f"""
SELECT s.userid AS user_id, s.dbid AS database_id, s.queryid AS query_id,
       sum(s.calls)::float8 AS calls,
       sum(COALESCE(s.total_exec_time, s.total_time))::float8 / 1000 AS seconds,
       sum(s.rows)::float8 AS rows,
       sum(COALESCE(s.shared_blk_read_time, s.blk_read_time))::float8 / 1000 AS block_read_seconds,
       sum(COALESCE(s.shared_blk_write_time, s.blk_write_time))::float8 / 1000 AS block_write_seconds,
       sum(s.temp_blks_read + s.temp_blks_written)::float8 AS temp_blocks
  FROM (SELECT NULL::float8 AS total_exec_time, NULL::float8 AS total_time,
               NULL::float8 AS shared_blk_read_time, NULL::float8 AS blk_read_time,
               NULL::float8 AS shared_blk_write_time, NULL::float8 AS blk_write_time) absent,
       LATERAL (SELECT userid, dbid, queryid, calls, rows, temp_blks_read, temp_blks_written,
                       total_exec_time, total_time, shared_blk_read_time, blk_read_time,
                       shared_blk_write_time, blk_write_time
                  FROM {SCHEMA}.pg_stat_statements(false)) s
 WHERE s.queryid IS NOT NULL
 GROUP BY 1, 2, 3
"""  # noqa: S608 - a placeholder


def is_selected(config: PostgresConfig) -> bool:
    """Return whether statements are collected, for the views that only go with them."""
    return config.views.selects(STATEMENTS_VIEW, STATEMENTS_PRESET)
