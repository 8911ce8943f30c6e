"""What takes a body to the upstream, whatever the protocol."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.outcome import Outcome
from sidecar.model.errors import TargetError
from sidecar.model.forward import ForwardBody
from sidecar.runtime.secret import SecretFiles

Mask: TypeAlias = Callable[[ForwardBody], ForwardBody]
"""Returns a request without secrets and personal data; raises MalformedInputError. Meant for a thread."""


class Transport(Protocol):
    """Sends bodies; several at once."""

    async def send(self, body: ForwardBody, seconds: float) -> Outcome:
        """Send one body within `seconds`; what goes wrong is in the outcome."""
        ...


async def headers_of(config: ForwardConfig, files: SecretFiles) -> Mapping[str, str]:
    """Return the configured headers, those in files read anew; raise TargetError if one cannot be read or sent."""
    headers = {name: value.get_secret_value() for name, value in config.headers.items()}
    for name, path in config.header_files.items():
        headers[name] = await files.read(path)
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise TargetError(f"the value of header `{name}` has characters that cannot be sent")
    return headers
