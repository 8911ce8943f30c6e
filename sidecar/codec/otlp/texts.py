"""Attributes as the texts that labels have, in the way of the OpenTelemetry specification for other types.

https://opentelemetry.io/docs/specs/otel/common/#attribute
"""

from base64 import b64encode
from collections.abc import Sequence
from math import isfinite, isnan

from google.protobuf.message import DecodeError

from sidecar.codec.json_text import json_text
from sidecar.codec.otlp.attributes import Value, attributes_of, text_of
from sidecar.codec.otlp.schema import KeyValue
from sidecar.codec.otlp.span_detail import Detail, detail_of
from sidecar.fingerprint.digest import digest

LIST_BYTES = 4 << 10
"""The longest attribute whose list or map is looked into: a few bytes make thousands of values."""


def attribute_texts(raw: Sequence[bytes]) -> dict[str, str]:
    """Return KeyValue messages as texts by key; what cannot be parsed is left out, what says nothing is empty.

    Lists and maps are JSON, very long ones a text that tells them apart.
    """
    values = attributes_of(raw)
    composites = _composites_of(raw) if None in values.values() else {}
    return {key: composites.get(key, "") if value is None else value_text(value) for key, value in values.items()}


def value_text(value: Value) -> str:
    """Return what an attribute says as text: bytes in base64, `true` and `false`, `NaN` and `Infinity`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, float):
        return str(value).removesuffix(".0") if isfinite(value) else not_finite(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def not_finite(value: float) -> str:
    """Return the text that protobuf's JSON has for NaN and the infinities."""
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def plain(value: Detail) -> Detail:
    """Return `value` with texts in place of what JSON cannot have: base64 of bytes, NaN and the infinities."""
    if isinstance(value, list):
        return [*map(plain, value)]
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, bytes) or (isinstance(value, float) and not isfinite(value)):
        return value_text(value)
    return value


def _composites_of(raw: Sequence[bytes]) -> dict[str, str]:
    """Return the attributes that are lists or maps as text."""
    found = {}
    for attribute in raw:
        try:
            message = KeyValue.FromString(attribute)
        except DecodeError:
            continue
        if message.value.WhichOneof("value") is None and message.value.ByteSize():
            found[text_of(message.key)] = _composite_text(attribute, message.value)
    return found


def _composite_text(attribute: bytes, value: object) -> str:
    if len(attribute) > LIST_BYTES:
        return f"({len(attribute)} bytes, {digest([attribute.decode('latin-1')])})"
    detail = detail_of(value)
    return "" if detail is None else json_text(plain(detail))
