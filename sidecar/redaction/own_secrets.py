"""Texts about the sidecar's own work, without the credentials that it was configured with."""

from collections.abc import Iterable

from sidecar.model.redact import redact
from sidecar.redaction.masked import Masked


class OwnSecrets:
    """Hides `secrets` wherever they stand, as they are and percent-encoded, and whatever looks like a credential."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one may be part of another.
        self._secrets = tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True))

    def text(self, text: str) -> Masked:
        """Return `text`, such as the message of an error of a driver, as it may be logged, shown or kept."""
        return Masked(redact(text, self._secrets))
