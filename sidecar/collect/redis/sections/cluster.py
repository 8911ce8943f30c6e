"""Whether the server is a cluster node."""

from sidecar.collect.redis.section import gauge, section_of

SECTION = section_of("cluster", (gauge("cluster_enabled", "cluster_enabled", "1 when the server is a cluster node."),))
