"""What a client would rather have: its Accept and Accept-Encoding headers (RFC 9110)."""

from collections.abc import Mapping
from typing import NamedTuple

from sidecar.codec.exposition import Format
from sidecar.codec.peer.numbers import number_of

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text"
OPENMETRICS_VERSIONS = {"": "1.0.0", "1.0.0": "1.0.0", "0.0.1": "0.0.1"}
"""Versions that may be asked for, and what is said to be sent; the page is the same."""


class _Wish(NamedTuple):
    value: str
    parameters: Mapping[str, str]
    quality: float


def exposition_format(accept: str) -> tuple[Format, str]:
    """Return the format of an exposition and its Content-Type: the best one that is ours, text when there is none."""
    for wish in _wishes(accept):
        version = wish.parameters.get("version", "")
        if wish.value == OPENMETRICS and version in OPENMETRICS_VERSIONS:
            return Format.OPENMETRICS, f"{OPENMETRICS}; version={OPENMETRICS_VERSIONS[version]}; charset=utf-8"
        if wish.value in {"text/plain", "text/*", "*/*"} and version in {"", "0.0.4"}:
            break
    return Format.TEXT, TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether gzip is named and not refused."""
    return any(wish.value == "gzip" for wish in _wishes(accept_encoding))


def _wishes(header: str) -> list[_Wish]:
    """Return what `header` names, the best first, those of equal quality as they stand, and nothing that it refuses."""
    wishes = [_wish(item) for item in header.split(",")]
    return sorted((wish for wish in wishes if wish.quality > 0), key=lambda wish: -wish.quality)


def _wish(item: str) -> _Wish:
    value, *rest = (part.strip() for part in item.split(";"))
    pairs = (part.partition("=") for part in rest)
    parameters = {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
    return _Wish(value.lower(), parameters, _quality(parameters.get("q", "1")))


def _quality(text: str) -> float:
    """Return a `q` as it is written; one that is no number from 0 to 1 counts as not given."""
    quality = number_of(text)
    return quality if quality is not None and 0 <= quality <= 1 else 1.0
