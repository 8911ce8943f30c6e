"""A Postgres primary and its streaming replica."""

from pathlib import Path

from typing_extensions import override

from sidecar.demo.servers import PostgresServer
from tests.integration.topologies.relay import Relay
from tests.integration.topologies.topology import Topology, ask_postgres, wait_until

ROLE = "replicator"
SLOT = "standby"


class PostgresPair(Topology):
    """`primary` streams to `standby` through the physical slot `standby`; `link` is what lies between them."""

    def __init__(self, bin_dir: Path) -> None:
        super().__init__()
        self._bin_dir = bin_dir
        self.primary: PostgresServer
        self.standby: PostgresServer
        self.link: Relay

    @override
    def _start(self) -> None:
        self.primary = self._stack.enter_context(PostgresServer(self._bin_dir, {"wal_level": "replica"}))
        password = self.primary.password
        ask_postgres(self.primary.dsn, f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{password}'")
        self.link = self._stack.enter_context(Relay(self.primary.port))
        self.standby = self._stack.enter_context(_Standby(self._bin_dir, self.link.port, password))
        wait_until(self.is_streaming)

    def is_streaming(self) -> bool:
        """Whether the primary sends to a standby that is caught up."""
        states = "SELECT array_agg(state) = ARRAY['streaming'] FROM pg_stat_replication"
        return bool(ask_postgres(self.primary.dsn, states))


class _Standby(PostgresServer):
    """A copy of the primary behind `port`, whose roles and passwords it shares."""

    def __init__(self, bin_dir: Path, port: int, password: str) -> None:
        # It asks again soon after the link broke, and tells how far it is without waiting to be asked.
        settings = {"wal_retrieve_retry_interval": "100ms", "wal_receiver_status_interval": "1s"}
        super().__init__(bin_dir, settings, password)
        self._primary_port = port

    @override
    def _create(self) -> None:
        source = f"host={self.host} port={self._primary_port} user={ROLE}"
        command = [self._binary("pg_basebackup"), "-d", source, "-D", str(self.directory / "data"), "--no-sync"]
        command += ["--checkpoint=fast", "--wal-method=stream", "--create-slot", f"--slot={SLOT}"]
        self._run([*command, "--write-recovery-conf"], {"PGPASSWORD": self.password})
