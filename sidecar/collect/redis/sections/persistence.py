"""Snapshots and the append-only file."""

from sidecar.collect.redis.section import counter, gauge, section_of

SECTION = section_of(
    "persistence",
    (
        gauge("loading", "loading_dump_file", "1 while data is loaded from disk."),
        gauge("async_loading", "async_loading", "1 while a replica loads and still answers from its old data."),
        gauge("rdb_changes_since_last_save", "rdb_changes_since_last_save", "Changes since the last snapshot."),
        gauge("rdb_bgsave_in_progress", "rdb_bgsave_in_progress", "1 while a snapshot is written."),
        gauge("rdb_last_save_time", "rdb_last_save_timestamp_seconds", "When the last good snapshot was, Unix time."),
        gauge("rdb_last_bgsave_status", "rdb_last_bgsave_status", "1 when the last snapshot succeeded."),
        gauge("rdb_last_bgsave_time_sec", "rdb_last_bgsave_duration_sec", "Time of the last snapshot; -1: none yet."),
        gauge(
            "rdb_current_bgsave_time_sec",
            "rdb_current_bgsave_duration_sec",
            "Time the running snapshot has taken; -1: none runs.",
        ),
        gauge("rdb_saves", "rdb_saves_total", "Snapshots since the start."),
        gauge("rdb_last_cow_size", "rdb_last_cow_size_bytes", "Bytes copied on write by the last snapshot."),
        gauge("rdb_last_load_keys_expired", "rdb_last_load_expired_keys", "Expired keys the last load left out."),
        gauge("rdb_last_load_keys_loaded", "rdb_last_load_loaded_keys", "Keys the last load brought in."),
        gauge("aof_enabled", "aof_enabled", "1 when the append-only file is on."),
        gauge("aof_rewrite_in_progress", "aof_rewrite_in_progress", "1 while the append-only file is rewritten."),
        gauge("aof_rewrite_scheduled", "aof_rewrite_scheduled", "1 when a rewrite waits for the snapshot to end."),
        gauge("aof_last_rewrite_time_sec", "aof_last_rewrite_duration_sec", "Time of the last rewrite; -1: none yet."),
        gauge(
            "aof_current_rewrite_time_sec",
            "aof_current_rewrite_duration_sec",
            "Time the running rewrite has taken; -1: none runs.",
        ),
        gauge("aof_last_cow_size", "aof_last_cow_size_bytes", "Bytes copied on write by the last rewrite."),
        gauge("aof_current_size", "aof_current_size_bytes", "Bytes of the append-only file."),
        gauge("aof_base_size", "aof_base_size_bytes", "Bytes of the append-only file at start or last rewrite."),
        gauge("aof_pending_rewrite", "aof_pending_rewrite", "1 when a rewrite is due after the snapshot."),
        gauge("aof_buffer_length", "aof_buffer_length", "Bytes of the append-only file's buffer."),
        gauge("aof_rewrite_buffer_length", "aof_rewrite_buffer_length", "Bytes of the rewrite's buffer."),
        gauge("aof_pending_bio_fsync", "aof_pending_bio_fsync", "Syncs that wait in background."),
        gauge("aof_delayed_fsync", "aof_delayed_fsync", "Writes that waited for a sync."),
        gauge("aof_last_bgrewrite_status", "aof_last_bgrewrite_status", "1 when the last rewrite succeeded."),
        gauge("aof_last_write_status", "aof_last_write_status", "1 when the last write to the file succeeded."),
        gauge("module_fork_in_progress", "module_fork_in_progress", "1 while a module's forked child runs."),
        gauge("module_fork_last_cow_size", "module_fork_last_cow_size", "Bytes copied on write by that child."),
        gauge("latest_fork_usec", "latest_fork_seconds", "Time of the last fork.", 1e-6),
        counter(
            "dump_payload_sanitizations", "dump_payload_sanitizations", "Thorough checks of data given to RESTORE."
        ),
    ),
)
