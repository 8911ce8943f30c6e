"""Points in time as the API takes and shows them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, WithJsonSchema

Moment = Annotated[
    AwareDatetime, WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]})
]
"""A point in time of a request, in RFC 3339 or in Unix seconds."""


def moment_of(seconds: float) -> datetime:
    """Return Unix time as it is shown: RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
