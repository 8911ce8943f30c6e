"""/api/v1/endpoints: how the app's endpoints do, as the metrics of the last interval say."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from pydantic import BaseModel, Field

from sidecar.api.json.context import LatestValues, ResourceContext
from sidecar.api.json.paging import Key
from sidecar.api.json.resource import Item, ListQuery, Resource
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.spans.endpoints import APDEX, DB_CALLS, DB_SECONDS, ERRORS, RATE, SLOW
from sidecar.spans.latency import ENDPOINT_LATENCY

_IDENTITY = ("service", "method", "route")
_SORTED_WINDOW = "5m"


class Percentiles(BaseModel):
    """How long the requests of a window took, in seconds, within 1.1 %."""

    window: str = Field(description="`1m`, `5m`, `1h` or `24h` before now.")
    p50: float = Field(description="Half of the requests took at most that.")
    p90: float = Field(description="90 % did.")
    p95: float = Field(description="95 % did.")
    p99: float = Field(description="99 % did.")
    p999: float = Field(description="99.9 % did.")


class Endpoint(Item):
    """What a service serves under one method and route, over the last five minutes where nothing else is said."""

    service: str = Field(description="The service.")
    method: str = Field(description="HTTP method; empty for what is not HTTP.")
    route: str = Field(
        description="Route, or the name of the span where it is not HTTP; empty: all that were over a limit."
    )
    requests_per_second: float = Field(description="Requests.")
    error_ratio: float = Field(description="Share of requests that failed.")
    slow_ratio: float = Field(description="Share of requests over `spans.slow_seconds`.")
    apdex_ratio: float = Field(description="Apdex by `spans.apdex_seconds`; 1 is best.")
    db_calls_per_request: float = Field(description="Database and cache calls per request.")
    db_seconds_per_request: float = Field(description="Time of these calls per request.")
    latency: list[Percentiles] = Field(description="Percentiles, the shortest window first.")


class EndpointsQuery(ListQuery):
    """What endpoints may be asked for by, and sorted by; the largest comes first."""

    service: str | None = Field(None, max_length=256, description="Only endpoints of this service.")
    sort: Literal["impact", "p95", "rate", "errors"] = Field(
        "impact",
        description="`impact` is p95 times requests per second; `p95` and `impact` are over 5 minutes, and so is the "
        "rest: requests per second, and the share that failed.",
    )


def endpoints_resource(context: ResourceContext) -> Resource[EndpointsQuery]:
    """Return the resource of the endpoints that had a request within five minutes."""
    reading = _Reading(context.values)
    summary = "Endpoints of the app that had a request within five minutes, with their rates and percentiles."
    return Resource("endpoints", summary, Endpoint, EndpointsQuery, reading.keys, reading.get)


class _Reading:
    def __init__(self, values: LatestValues) -> None:
        self._values = values

    async def keys(self, query: EndpointsQuery) -> Iterable[Key]:
        service = {"service": query.service} if query.service is not None else {}
        rates = self._by_endpoint({**service, METRIC_NAME: RATE.name})
        if query.sort == "rate":
            sorted_by: Mapping[Labels, float] = rates
        elif query.sort == "errors":
            sorted_by = self._by_endpoint({**service, METRIC_NAME: ERRORS.name})
        else:
            p95 = {METRIC_NAME: ENDPOINT_LATENCY.name, "window": _SORTED_WINDOW, "quantile": "0.95"}
            sorted_by = self._by_endpoint({**service, **p95})
        times = rates if query.sort == "impact" else {}
        return [(sorted_by.get(found, 0.0) * times.get(found, 1.0), _id(found)) for found in rates]

    async def get(self, ident: str) -> Endpoint | None:
        labels = _labels(ident)
        found = {} if labels is None else dict(self._values.latest(labels))
        values = {dict(series)[METRIC_NAME]: value for series, value in found.items()}
        if labels is None or RATE.name not in values:
            return None
        return Endpoint(
            id=ident,
            **labels,
            requests_per_second=values[RATE.name],
            error_ratio=values.get(ERRORS.name, 0.0),
            slow_ratio=values.get(SLOW.name, 0.0),
            apdex_ratio=values.get(APDEX.name, 1.0),
            db_calls_per_request=values.get(DB_CALLS.name, 0.0),
            db_seconds_per_request=values.get(DB_SECONDS.name, 0.0),
            latency=_percentiles(found),
        )

    def _by_endpoint(self, labels: Mapping[str, str]) -> Mapping[Labels, float]:
        return {_identity(series): value for series, value in self._values.latest(labels)}


def _identity(series: Labels) -> Labels:
    return tuple(pair for pair in series if pair[0] in _IDENTITY)


def _id(labels: Labels) -> str:
    """Return labels as an id that says them, so that nobody must remember which endpoint it was."""
    values = dict(labels)
    text = msgspec.json.encode([values.get(name, "") for name in _IDENTITY])
    return urlsafe_b64encode(text).decode().rstrip("=")


def _labels(ident: str) -> dict[str, str] | None:
    try:
        text = urlsafe_b64decode(ident + "=" * (-len(ident) % 4))
        values = msgspec.json.decode(text, type=tuple[str, str, str])
    except ValueError:
        return None
    return dict(zip(_IDENTITY, values, strict=True))


def _percentiles(series: Mapping[Labels, float]) -> list[Percentiles]:
    windows: dict[str, dict[str, float]] = {}
    for labels, value in series.items():
        names = dict(labels)
        if names[METRIC_NAME] == ENDPOINT_LATENCY.name:
            field = f"p{names['quantile'].removeprefix('0.').ljust(2, '0')}"
            windows.setdefault(names["window"], {})[field] = value
    whole = {window: values for window, values in windows.items() if len(values) == len(Percentiles.model_fields) - 1}
    return [Percentiles(window=window, **whole[window]) for window in ("1m", "5m", "1h", "24h") if window in whole]
