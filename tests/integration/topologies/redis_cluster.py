"""A Redis Cluster of three primaries."""

from pathlib import Path

from typing_extensions import override

from sidecar.demo.shard import SLOTS, ClusterNode
from tests.integration.topologies.topology import Topology, wait_until

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
        wait_until(lambda: all(_sees_all(node) for node in self.nodes))


def _sees_all(node: ClusterNode) -> bool:
    """Whether all slots are served and every node is known."""
    state = node.cluster("INFO")
    return (state["cluster_state"], state["cluster_size"], state["cluster_known_nodes"]) == ("ok", "3", "3")
