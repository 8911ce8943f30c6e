"""The body of Alertmanager's `POST /api/v2/alerts`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sidecar.model.alert import Alert

CONTENT_TYPE = "application/json"
PATH = "/api/v2/alerts"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_alerts(alerts: Sequence[Alert]) -> bytes:
    """Return `alerts` as the JSON list that version 2 of the API takes.

    What is no Unicode, half a surrogate pair, becomes a question mark: Alertmanager would refuse the whole list.
    See https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, `postableAlerts`.
    """
    text = json.dumps([_postable(alert) for alert in alerts], separators=(",", ":"), ensure_ascii=False)
    return text.encode(errors="replace")


def _postable(alert: Alert) -> dict[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": _rfc3339(alert.starts_at_ms),
        "endsAt": _rfc3339(alert.ends_at_ms),
        "generatorURL": alert.generator_url,
    }


def _rfc3339(time_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
