"""Attributes as the texts that labels have, in the way of the OpenTelemetry specification for other types.

https://opentelemetry.io/docs/specs/otel/common/#attribute
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.attributes import Value, attributes_of, text_of, value_of
from sidecar.codec.otlp.schema import ListAttribute

LIST_BYTES = 4 << 10
"""The longest attribute whose list is looked into: a few bytes make thousands of values."""


def attribute_texts(raw: Sequence[bytes]) -> dict[str, str]:
    """Return KeyValue messages as texts by key; maps, long lists and what cannot be parsed are empty or left out."""
    values = attributes_of(raw)
    lists = _lists_of(raw) if None in values.values() else {}
    return {key: lists.get(key, "") if value is None else _text(value) for key, value in values.items()}


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return str(value).removesuffix(".0") if isinstance(value, float) else json.dumps(value)


def _lists_of(raw: Iterable[bytes]) -> dict[str, str]:
    """Return the attributes that are lists as JSON; what is in a list within one is null."""
    found = {}
    for attribute in raw:
        try:
            message = ListAttribute.FromString(attribute) if len(attribute) <= LIST_BYTES else None
        except DecodeError:
            continue
        if message is not None and message.value.HasField("array_value"):
            items = [value_of(item) for item in message.value.array_value.values]
            plain = [_text(item) if isinstance(item, bytes) else item for item in items]
            found[text_of(message.key)] = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return found
