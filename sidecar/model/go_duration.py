"""Durations as Go's programs write them, and so the exporters' settings: `1m30s`, `1.5h`, `250ms`."""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[-+]?(?:{_PART.pattern})+")


def parse_go_duration(text: str) -> float:
    """Return `text` in seconds; raise ValueError when it is no duration."""
    if text in {"0", "+0", "-0"}:
        return 0.0
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"`{text}` is not a duration such as `30s` or `1m30s`")
    seconds = sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(text))
    return -seconds if text.startswith("-") else seconds
