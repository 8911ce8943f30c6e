"""The shop's cache: a Cluster of one shard, that is a primary which has all slots, and its replica."""

import time
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from sidecar.demo.ports import free_port
from sidecar.demo.servers import START_SECONDS, ValkeyServer
from sidecar.model.errors import OperatorError

SLOTS = 16384
POLL_SECONDS = 0.05


class ClusterNode(ValkeyServer):
    """A node that belongs to nobody yet."""

    def __init__(self, binary: Path | None = None) -> None:
        self.bus_port = free_port()  # by itself it would take port + 10000, which may be none
        super().__init__(binary, ["--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)])

    def cluster(self, command: str, *arguments: str | int) -> Any:
        """Return the answer to a CLUSTER command, as redis-py reads it."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(f"CLUSTER {command}", *arguments)


def make_shard(primary: ClusterNode, replica: ClusterNode) -> None:
    """Give `primary` all slots and make `replica` follow it; return when both serve.

    Raises OperatorError if they do not agree in time.
    """
    primary.cluster("ADDSLOTSRANGE", 0, SLOTS - 1)
    replica.cluster("MEET", primary.host, primary.port, primary.bus_port)
    deadline = time.monotonic() + START_SECONDS
    while not (_follows(replica, primary.cluster("MYID")) and _is_well(primary) and _is_well(replica)):
        if time.monotonic() > deadline:
            raise OperatorError(f"{primary.name} and its replica did not become a cluster in {START_SECONDS:g} s")
        time.sleep(POLL_SECONDS)


def _follows(replica: ClusterNode, primary_id: str) -> bool:
    try:
        replica.cluster("REPLICATE", primary_id)
    except RedisError:
        return False  # it has not heard of the primary yet
    return True


def _is_well(node: ClusterNode) -> bool:
    return bool(node.cluster("INFO")["cluster_state"] == "ok")
