"""Connected clients and what they wait for."""

from sidecar.collect.redis.section import counter, gauge, section_of

SECTION = section_of(
    "clients",
    (
        gauge("connected_clients", "connected_clients", "Clients connected now, replicas not among them."),
        gauge("blocked_clients", "blocked_clients", "Clients that wait in a blocking command."),
        gauge("maxclients", "max_clients", "Most clients the server accepts at a time."),
        gauge("tracking_clients", "tracking_clients", "Clients that have client-side caching on."),
        gauge("clients_in_timeout_table", "clients_in_timeout_table", "Clients whose command has a timeout running."),
        gauge("pubsub_clients", "pubsub_clients", "Clients in publish/subscribe mode."),
        gauge("watching_clients", "watching_clients", "Clients that WATCH keys."),
        gauge("total_watched_keys", "total_watched_keys", "Keys being watched."),
        gauge("total_blocking_keys", "total_blocking_keys", "Keys that blocked clients wait for."),
        gauge(
            "total_blocking_keys_on_nokey",
            "total_blocking_keys_on_nokey",
            "Keys whose deletion alone would wake the clients that wait for them.",
        ),
        gauge("client_longest_output_list", "client_longest_output_list", "Longest output list of a client."),
        gauge("client_biggest_input_buf", "client_biggest_input_buf", "Biggest input buffer of a client, in bytes."),
        gauge(
            "client_recent_max_output_buffer",
            "client_recent_max_output_buffer_bytes",
            "Biggest output buffer among clients lately, in bytes.",
        ),
        gauge(
            "client_recent_max_input_buffer",
            "client_recent_max_input_buffer_bytes",
            "Biggest input buffer among clients lately, in bytes.",
        ),
        gauge("cluster_connections", "cluster_connections", "Sockets of the cluster bus, estimated."),
        counter(
            "client_query_buffer_limit_disconnections",
            "client_query_buffer_limit_disconnections_total",
            "Clients disconnected because their query buffer was over its limit.",
        ),
        counter(
            "client_output_buffer_limit_disconnections",
            "client_output_buffer_limit_disconnections_total",
            "Clients disconnected because their output buffer was over its limit.",
        ),
    ),
)
