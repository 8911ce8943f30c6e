"""The part that must be there first: the pod listener."""

from sidecar.api.config import PodConfig
from sidecar.api.server import Listener
from sidecar.app.foundation import Foundation
from sidecar.app.parts import Part, TierName
from sidecar.runtime.component import Component
from sidecar.runtime.http_server import Bounds
from sidecar.runtime.watchdog import Watchdog


def watchdog_part(base: Foundation) -> Part:
    """Return the watchdog of the event loop."""
    return Part(
        "watchdog", TierName.API, None, lambda: Watchdog(base.lag, base.clock, base.events, base.throttling.sample)
    )


def pod_part(config: PodConfig, base: Foundation) -> Part:
    """Return the listener of probes and /metrics; its handler outlives it."""

    def make() -> Component:
        return Listener("pod", config.listen, base.pod, Bounds())

    return Part("pod", TierName.API, config, make)
