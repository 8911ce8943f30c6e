"""Counters of commands, keys, network and memory pressure."""

from sidecar.collect.redis.section import counter, gauge, section_of

SECTION = section_of(
    "stats",
    (
        counter("total_connections_received", "connections_received_total", "Connections accepted."),
        counter("rejected_connections", "rejected_connections_total", "Connections refused because of maxclients."),
        counter("total_commands_processed", "commands_processed_total", "Commands executed."),
        counter("total_net_input_bytes", "net_input_bytes_total", "Bytes received."),
        counter("total_net_output_bytes", "net_output_bytes_total", "Bytes sent."),
        counter("total_net_repl_input_bytes", "net_repl_input_bytes_total", "Bytes received for replication."),
        counter("total_net_repl_output_bytes", "net_repl_output_bytes_total", "Bytes sent for replication."),
        counter("expired_keys", "expired_keys_total", "Keys that expired."),
        counter("expired_subkeys", "expired_subkeys_total", "Hash fields that expired."),
        gauge("expired_stale_perc", "expired_stale_percentage", "Percent of keys expired but still there, estimated."),
        counter(
            "expired_time_cap_reached_count",
            "expired_time_cap_reached_total",
            "Times the search for expired keys stopped because its time was over.",
        ),
        counter(
            "expire_cycle_cpu_milliseconds", "expire_cycle_cpu_time_ms_total", "Time expiring keys, in MILLISECONDS."
        ),
        counter("evicted_keys", "evicted_keys_total", "Keys removed because of maxmemory."),
        counter("evicted_clients", "evicted_clients_total", "Clients dropped because of maxmemory-clients."),
        counter("evicted_scripts", "evicted_scripts_total", "EVAL scripts dropped to keep their number small."),
        counter(
            "total_eviction_exceeded_time",
            "eviction_exceeded_time_ms_total",
            "Time spent over maxmemory, in MILLISECONDS.",
        ),
        gauge(
            "current_eviction_exceeded_time",
            "current_eviction_exceeded_time_ms",
            "Time since memory went over maxmemory, in MILLISECONDS; 0: it is not.",
        ),
        counter("keyspace_hits", "keyspace_hits_total", "Look-ups that found their key."),
        counter("keyspace_misses", "keyspace_misses_total", "Look-ups that did not find their key."),
        gauge("pubsub_channels", "pubsub_channels", "Channels with subscribers."),
        gauge("pubsub_patterns", "pubsub_patterns", "Patterns with subscribers."),
        gauge("pubsubshard_channels", "pubsubshard_channels", "Shard channels with subscribers."),
        gauge("migrate_cached_sockets", "migrate_cached_sockets_total", "Sockets open for MIGRATE now."),
        gauge("active_defrag_hits", "defrag_hits", "Values moved by defragmentation."),
        gauge("active_defrag_misses", "defrag_misses", "Moves that defragmentation gave up."),
        gauge("active_defrag_key_hits", "defrag_key_hits", "Keys defragmented."),
        gauge("active_defrag_key_misses", "defrag_key_misses", "Keys that defragmentation skipped."),
        gauge("tracking_total_keys", "tracking_total_keys", "Keys tracked for client-side caching."),
        gauge("tracking_total_items", "tracking_total_items", "Pairs of key and client that are tracked."),
        gauge("tracking_total_prefixes", "tracking_total_prefixes", "Prefixes tracked in broadcast mode."),
        counter(
            "unexpected_error_replies", "unexpected_error_replies", "Errors from loading data or from replication."
        ),
        counter("total_error_replies", "total_error_replies", "Commands answered by an error, rejected ones included."),
        counter("total_reads_processed", "total_reads_processed", "Reads from clients."),
        counter("total_writes_processed", "total_writes_processed", "Writes to clients."),
        counter("io_threaded_reads_processed", "io_threaded_reads_processed", "Reads done by I/O threads."),
        counter("io_threaded_writes_processed", "io_threaded_writes_processed", "Writes done by I/O threads."),
        counter("reply_buffer_shrinks", "reply_buffer_shrinks_total", "Reply buffers made smaller."),
        counter("reply_buffer_expands", "reply_buffer_expands_total", "Reply buffers made bigger."),
        counter("acl_access_denied_auth", "acl_access_denied_auth_total", "Logins that failed."),
        counter("acl_access_denied_cmd", "acl_access_denied_cmd_total", "Commands denied by the ACL."),
        counter("acl_access_denied_key", "acl_access_denied_key_total", "Key accesses denied by the ACL."),
        counter("acl_access_denied_channel", "acl_access_denied_channel_total", "Channels denied by the ACL."),
    ),
)
