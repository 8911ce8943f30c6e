"""Whether the configuration that was read last is the one that runs."""

from sidecar.runtime.meter import Meter

OURS = "sidecar_config_last_reload"
THEIRS = "postgres_exporter_config_last_reload"


class ReloadGauges:
    """The outcome of the last reload, also under the names that postgres_exporter has for it."""

    def __init__(self, meter: Meter) -> None:
        self._successful = [
            meter.gauge(f"{prefix}_successful", f"1 when the configuration last read is the one that runs{end}.")
            for prefix, end in ((OURS, ""), (THEIRS, "; postgres_exporter's name for it"))
        ]
        self._succeeded_at = [
            meter.gauge(f"{prefix}_success_timestamp_seconds", f"When one last came into force, Unix time{end}.")
            for prefix, end in ((OURS, ""), (THEIRS, "; postgres_exporter's name for it"))
        ]

    def succeeded(self, now: float) -> None:
        """Note that a configuration came into force at `now`, Unix time."""
        for gauge in self._successful:
            gauge.set(1)
        for gauge in self._succeeded_at:
            gauge.set(now)

    def failed(self) -> None:
        """Note that the one before goes on."""
        for gauge in self._successful:
            gauge.set(0)
