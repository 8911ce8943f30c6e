"""What attributes say, as values that labels may have."""

from collections.abc import Mapping, Sequence

from sidecar.codec.otlp.attributes import Value, pick
from sidecar.codec.otlp.texts import attribute_texts

_LABEL_LENGTH = 256

Attributes = Mapping[str, Value]


def label_value(value: object) -> str:
    """Return `value` as text, cut to what a label may reasonably hold: a sender's megabyte must not stay in memory."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a status code, from a sender that knows no integers
    text = str(value)
    return text[:_LABEL_LENGTH] if value is not True and value is not False else text.lower()


def first_of(attributes: Attributes, keys: Sequence[str]) -> str:
    """Return what the first of `keys` that says something says; empty if none does."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return label_value(value)
    return ""


def texts_of(raw: Sequence[bytes], keys: frozenset[str]) -> dict[str, str]:
    """Return the attributes in wire form that have one of `keys` and say something; lists and maps are JSON."""
    found = attribute_texts([*pick(raw, {key.encode() for key in keys}).values()])
    return {key: text for key, text in found.items() if text}
