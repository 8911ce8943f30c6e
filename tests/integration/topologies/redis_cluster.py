"""A Redis Cluster of three primaries."""

from pathlib import Path
from typing import Any

from redis import Redis
from typing_extensions import override

from sidecar.demo.servers import ValkeyServer
from tests.integration.topologies.topology import Topology, wait_until
from tests.servers import free_port

SLOTS = 16384
NODES = 3


class RedisCluster(Topology):
    """Three nodes that share all slots, without replicas; made with `binary`, Valkey if None."""

    def __init__(self, binary: Path | None = None) -> None:
        super().__init__()
        self._binary = binary
        self.nodes: list[ClusterNode]

    @override
    def _start(self) -> None:
        self.nodes = [self._stack.enter_context(ClusterNode(self._binary)) for _ in range(NODES)]
        bounds = [SLOTS * number // NODES for number in range(NODES + 1)]
        for number, node in enumerate(self.nodes):
            # Epochs of their own spare the nodes a quarrel over who is right.
            node.cluster("SET-CONFIG-EPOCH", number + 1)
            node.cluster("ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            node.cluster("MEET", self.nodes[0].host, self.nodes[0].port, self.nodes[0].bus_port)
        wait_until(lambda: all(node.sees_all() for node in self.nodes))


class ClusterNode(ValkeyServer):
    """A node that belongs to nobody yet."""

    def __init__(self, binary: Path | None = None) -> None:
        self.bus_port = free_port()  # by itself it would take port + 10000, which may be none
        super().__init__(binary, ["--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)])

    def cluster(self, command: str, *arguments: str | int) -> Any:
        """Return the answer to a CLUSTER command, as redis-py reads it."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(f"CLUSTER {command}", *arguments)

    def sees_all(self) -> bool:
        """Whether all slots are served and every node is known."""
        state = self.cluster("INFO")
        return (state["cluster_state"], state["cluster_size"], state["cluster_known_nodes"]) == ("ok", "3", "3")
