"""What tells the Alertmanagers of one configuration: relabelling, and then one queue for each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.discovery import DiscoveredAlertmanagers
from sidecar.deliver.alertmanager.sender import AlertmanagerSender
from sidecar.deliver.relabel import Relabelling
from sidecar.deliver.sender import SenderContext, SenderRunner
from sidecar.deliver.status import SenderStatus
from sidecar.model.alert import Alert

LOOKUP = "sidecar.deliver.alertmanager.lookup"
"""What needs dnspython."""


class AlertmanagerRunner:
    """A Component, and a Sink of alerts."""

    def __init__(self, config: AlertmanagerConfig, context: SenderContext) -> None:
        self._relabelling = Relabelling(config.alert_relabel_configs)
        self._runner: SenderRunner[Alert] | DiscoveredAlertmanagers
        if config.dns is None:
            self._runner = SenderRunner(AlertmanagerSender(config), context)
        else:
            self._runner = DiscoveredAlertmanagers(config, context, import_module(LOOKUP).Lookup(config.dns))
        self.name = self._runner.name

    @property
    def statuses(self) -> Sequence[SenderStatus]:
        """How each Alertmanager does."""
        return self._runner.statuses

    @property
    def discovered(self) -> int:
        """How many Alertmanagers there are."""
        return len(self._runner) if isinstance(self._runner, DiscoveredAlertmanagers) else 1

    def accept(self, batch: Sequence[Alert], /) -> int:
        """Queue what relabelling leaves of `batch`, without waiting."""
        return self._runner.accept([*self._relabelled(batch)] if self._relabelling else batch)

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled."""
        await self._runner.run(ready)

    async def settle(self) -> None:
        """Bring what waits to its end."""
        if isinstance(self._runner, SenderRunner):
            await self._runner.settle()

    def _relabelled(self, batch: Sequence[Alert]) -> list[Alert]:
        pairs = ((alert, self._relabelling.apply(alert.labels)) for alert in batch)
        return [replace(alert, labels=labels) for alert, labels in pairs if labels is not None]
