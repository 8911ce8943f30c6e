"""Memory: what is used, for what, and what the allocator makes of it."""

from sidecar.collect.redis.section import gauge, section_of

SECTION = section_of(
    "memory",
    (
        gauge("used_memory", "memory_used_bytes", "Bytes the server has allocated."),
        gauge("used_memory_rss", "memory_used_rss_bytes", "Resident bytes as the operating system counts them."),
        gauge("used_memory_peak", "memory_used_peak_bytes", "Most bytes ever allocated since the start."),
        gauge("used_memory_lua", "memory_used_lua_bytes", "Bytes of the Lua engine for EVAL."),
        gauge("used_memory_vm_eval", "memory_used_vm_eval_bytes", "Bytes of the virtual machine for EVAL."),
        gauge("used_memory_scripts_eval", "memory_used_scripts_eval_bytes", "Overhead bytes of EVAL scripts."),
        gauge("used_memory_overhead", "memory_used_overhead_bytes", "Bytes for all but the data: buffers, tables."),
        gauge("used_memory_startup", "memory_used_startup_bytes", "Bytes allocated right after the start."),
        gauge("used_memory_dataset", "memory_used_dataset_bytes", "Bytes of the data: used minus overhead."),
        gauge(
            "used_memory_vm_functions", "memory_used_vm_functions_bytes", "Bytes of the virtual machine of functions."
        ),
        gauge("used_memory_scripts", "memory_used_scripts_bytes", "Overhead bytes of scripts and functions."),
        gauge("used_memory_functions", "memory_used_functions_bytes", "Overhead bytes of functions."),
        gauge("used_memory_vm_total", "memory_used_vm_total", "Bytes of all virtual machines of scripts."),
        gauge("maxmemory", "memory_max_bytes", "Limit of the memory for data, in bytes; 0: none."),
        gauge("total_system_memory", "total_system_memory_bytes", "Memory of the server's machine in bytes."),
        gauge("number_of_cached_scripts", "number_of_cached_scripts", "EVAL scripts kept by the server."),
        gauge("number_of_functions", "number_of_functions", "Functions loaded."),
        gauge("number_of_libraries", "number_of_libraries", "Libraries of functions loaded."),
        gauge("allocator_active", "allocator_active_bytes", "Bytes in the allocator's active pages."),
        gauge("allocator_allocated", "allocator_allocated_bytes", "Bytes handed out by the allocator."),
        gauge("allocator_resident", "allocator_resident_bytes", "Bytes the allocator holds resident."),
        gauge("allocator_muzzy", "allocator_muzzy_bytes", "Bytes given back that the system may not have taken yet."),
        gauge("allocator_frag_ratio", "allocator_frag_ratio", "Active over allocated: external fragmentation."),
        gauge("allocator_frag_bytes", "allocator_frag_bytes", "Active minus allocated, in bytes."),
        gauge("allocator_rss_ratio", "allocator_rss_ratio", "Resident over active: what could be given back soon."),
        gauge("allocator_rss_bytes", "allocator_rss_bytes", "Resident minus active, in bytes."),
        gauge("mem_fragmentation_ratio", "mem_fragmentation_ratio", "Resident over used memory."),
        gauge("mem_fragmentation_bytes", "mem_fragmentation_bytes", "Resident minus used memory, in bytes."),
        gauge("mem_clients_slaves", "mem_clients_slaves", "Bytes of the replicas' buffers."),
        gauge("mem_clients_normal", "mem_clients_normal", "Bytes of the clients' buffers."),
        gauge("mem_cluster_links", "mem_cluster_links_bytes", "Bytes of the links to cluster peers."),
        gauge("mem_aof_buffer", "mem_aof_buffer_bytes", "Bytes of the append-only file's buffers."),
        gauge("mem_replication_backlog", "mem_replication_backlog_bytes", "Bytes of the replication backlog."),
        gauge(
            "mem_total_replication_buffers",
            "mem_total_replication_buffers_bytes",
            "Bytes of all replication buffers, the backlog's among them.",
        ),
        gauge(
            "mem_not_counted_for_evict",
            "mem_not_counted_for_eviction_bytes",
            "Bytes that do not count towards the limit that starts eviction.",
        ),
        gauge(
            "mem_overhead_db_hashtable_rehashing",
            "mem_overhead_db_hashtable_rehashing_bytes",
            "Bytes of tables that are being replaced by bigger or smaller ones.",
        ),
        gauge("lazyfree_pending_objects", "lazyfree_pending_objects", "Objects that wait to be freed in background."),
        gauge("lazyfreed_objects", "lazyfreed_objects", "Objects freed in background."),
        gauge("active_defrag_running", "active_defrag_running", "CPU percent that defragmentation aims at; 0: idle."),
    ),
)
