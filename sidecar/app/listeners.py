"""The part that must be there first: the pod listener."""

from sidecar.api.config import PodConfig
from sidecar.api.listener import Listener, ListenerConfig
from sidecar.app.foundation import Foundation
from sidecar.app.parts import Part, TierName
from sidecar.runtime.component import Component
from sidecar.runtime.watchdog import Watchdog


def watchdog_part(base: Foundation) -> Part:
    """Return the watchdog of the event loop."""
    return Part(
        "watchdog", TierName.API, None, lambda: Watchdog(base.lag, base.clock, base.events, base.throttling.sample)
    )


def pod_part(config: PodConfig, base: Foundation) -> Part:
    """Return the listener of probes and /metrics; its handler outlives it."""

    def make() -> Component:
        return Listener(ListenerConfig("pod", config.listen), base.pod)

    return Part("pod", TierName.API, config, make)
