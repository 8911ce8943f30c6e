"""Who sent a signal, as its resource says."""

from typing import NamedTuple

from sidecar.codec.otlp.attributes import attributes_of, pick, resource_attributes
from sidecar.derive.label_values import label_value, texts_of
from sidecar.model.redact import Redact

UNKNOWN_SERVICE = "unknown_service"

_SERVICE, _LANGUAGE, _RELEASE = "service.name", "telemetry.sdk.language", "service.version"


class Origin(NamedTuple):
    """What spans and log records have from their resource: who sent them, and the attributes that were asked for.

    `language` is `telemetry.sdk.language` and `release` is `service.version`, empty where the resource does not say.
    """

    service: str
    language: str = ""
    release: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


def origin_of(resource: bytes, redact: Redact, more: frozenset[str] = frozenset()) -> Origin:
    """Return what a Resource message in its wire form says, masked, with those of its attributes that `more` names."""
    keys = {name.encode() for name in (_SERVICE, _LANGUAGE, _RELEASE, *more)}
    raw = resource_attributes(resource)
    attributes = {key: redact(key, value) for key, value in attributes_of(pick(raw, keys).values()).items()}
    texts = {key: label_value(redact(key, text)) for key, text in texts_of(raw, more).items()} if more else {}
    service, language, release = (label_value(attributes.get(key) or "") for key in (_SERVICE, _LANGUAGE, _RELEASE))
    return Origin(service or UNKNOWN_SERVICE, language, release, tuple(sorted(texts.items())))
