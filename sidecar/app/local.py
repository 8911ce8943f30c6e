"""What the loopback listener shows: the page, and the resources of the JSON API, read from the stores."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.api.json.routes import AnyResource
from sidecar.api.local import LocalContent
from sidecar.api.page.overview import Overview
from sidecar.app.foundation import Foundation
from sidecar.runtime.events import Event
from sidecar.runtime.lifecycle import reason_of


@dataclass(frozen=True, slots=True)
class ApiFailed(Event):
    """A request to the API met an error of our own; whoever asked got a 500."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "The API could not answer a request: {error}"
    identity: ClassVar[tuple[str, ...]] = ("error",)
    error: str


def local_content(base: Foundation, overview: Callable[[], Overview], resources: Sequence[AnyResource]) -> LocalContent:
    """Return the content; errors behind an answer are events of `base`."""

    def failed(error: BaseException) -> None:
        base.events.emit(ApiFailed(reason_of(error)))

    return LocalContent(overview, resources, failed)
