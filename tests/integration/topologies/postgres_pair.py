"""A Postgres primary and its streaming replica."""

from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from sidecar.demo.servers import PostgresServer
from tests.integration.topologies.relay import Relay
from tests.integration.topologies.topology import Topology, ask_postgres, wait_until

ROLE = "replicator"
SLOT = "standby"

# It asks again soon after the link broke, and tells often how far it is.
STANDBY_SETTINGS = {"wal_retrieve_retry_interval": "100ms", "wal_receiver_status_interval": "1s"}


class PostgresPair(Topology):
    """`primary` streams to `standby` through the physical slot `slot`; `link` is what lies between them.

    `settings` are those of both.
    """

    def __init__(self, bin_dir: Path, settings: Mapping[str, str] | None = None, slot: str = SLOT) -> None:
        super().__init__()
        self._slot = slot
        self._bin_dir = bin_dir
        self._settings = {"wal_level": "replica", **(settings or {})}
        self.primary: PostgresServer
        self.standby: PostgresServer
        self.link: Relay

    @override
    def _start(self) -> None:
        self.primary = self._stack.enter_context(PostgresServer(self._bin_dir, self._settings))
        password = self.primary.password
        ask_postgres(self.primary.dsn, f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{password}'")
        self.link = self._stack.enter_context(Relay(self.primary.port))
        standby = _Standby(self.primary, self.link.port, self._bin_dir, self._settings | STANDBY_SETTINGS, self._slot)
        self.standby = self._stack.enter_context(standby)
        ask_postgres(self.primary.dsn, f"SELECT pg_create_physical_replication_slot('{self._slot}')")
        wait_until(self.is_streaming)

    def is_streaming(self) -> bool:
        """Whether the standby is caught up and the primary sends it all that is new."""
        states = "SELECT array_agg(state) = ARRAY['streaming'] FROM pg_stat_replication WHERE usename = '{}'"
        return bool(ask_postgres(self.primary.dsn, states.format(ROLE)))


class _Standby(PostgresServer):
    """A copy of `primary`, with its roles and passwords, that follows it through `port`."""

    def __init__(
        self, primary: PostgresServer, port: int, bin_dir: Path, settings: Mapping[str, str], slot: str
    ) -> None:
        super().__init__(bin_dir, settings, primary.password)
        self._primary = primary
        self._primary_port = port
        self._slot = slot

    @override
    def _create(self) -> None:
        # Copied at rest, which needs no pg_basebackup: not every installation has it.
        self._primary.stop()
        self._run(["cp", "-a", str(self._primary.directory / "data"), str(self.directory / "data")])
        self._primary.start()
        source = f"host={self.host} port={self._primary_port} user={ROLE} password={self.password}"
        follow = f"primary_conninfo = '{source}'\nprimary_slot_name = '{self._slot}'\n"
        self._put("data/postgresql.auto.conf", follow)
        self._put("data/standby.signal", "")
