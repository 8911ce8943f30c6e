"""What the log says once everything is up: where we listen, what we look after, and what is off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sidecar.app.config import SidecarConfig
from sidecar.model.address import Address
from sidecar.runtime.events import Event

_LISTENERS = {"pod": "probes, /metrics", "local": "page, API", "otlp_http": "OTLP/HTTP", "otlp_grpc": "OTLP/gRPC"}


class RuleCounts(NamedTuple):
    """How many rules are evaluated, how many of them alerts, in how many groups, and how many receivers are told."""

    rules: int
    alerts: int
    groups: int
    receivers: int


@dataclass(frozen=True, slots=True)
class Started(Event):
    """Everything is up."""

    message: ClassVar[str] = (
        "Sidecar is up, configuration from `{source}`; listens on {listens}; targets: {targets}; "
        "checks: {checks}; rules: {rules}; off: {off}."
    )
    source: str
    listens: str
    targets: str
    checks: str
    rules: str
    off: str


def started(config: SidecarConfig, addresses: Mapping[str, Address], counts: RuleCounts, source: str) -> Started:
    """Return the event for a process that runs `config`, read from `source`, and listens at `addresses`, by part."""
    return Started(
        source,
        listens=_list(f"{addresses[part]} ({what})" for part, what in _LISTENERS.items() if part in addresses),
        targets=_list(str(name) for name, _ in config.targets),
        checks=_list(check.name for check in config.probes.checks),
        rules=f"{counts.rules} in {counts.groups} group{'' if counts.groups == 1 else 's'}",
        off=_list(_off(config, counts)),
    )


def _list(words: Iterator[str]) -> str:
    return ", ".join(words) or "none"


def _off(config: SidecarConfig, counts: RuleCounts) -> Iterator[str]:
    """Yield what is not configured, with the key that would."""
    if not config.probes.checks:
        yield "checks of the app (`probes.checks`)"
    if not counts.alerts:
        yield "alerts (`rules.files`, `rules.shipped`)"
    elif not counts.receivers:
        yield "telling alerts to anybody (`alertmanagers`, `webhooks`)"
    if config.otlp.http.listen is None and config.otlp.grpc.listen is None:
        yield "OTLP (`otlp.http.listen`, `otlp.grpc.listen`)"
    if config.forward.endpoint is None:
        yield "forwarding (`forward.endpoint`)"
    if config.state.path is None:
        yield "state that survives a restart (`state.path`)"
