"""Where the server is in its WAL, as SQL."""

# A replica that fetches from an archive has received nothing, and a receiver that has just begun anew stands at the
# start of a file, before what was replayed long ago.
WAL_LSN = """CASE WHEN pg_is_in_recovery() THEN GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_lsn() END"""
"""The position that others are compared with: what a primary has written, or a replica received."""
