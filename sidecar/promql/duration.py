"""Durations as Prometheus prints them."""

UNITS = (("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))


def format_duration(milliseconds: int) -> str:
    """Return a duration as Prometheus prints it, such as `1h30m`; years and weeks only when they divide it."""
    if milliseconds == 0:
        return "0s"
    parts, rest = [], milliseconds
    for unit, size in (*UNITS, ("s", 1000), ("ms", 1)):
        if unit in "yw" and rest % size:
            continue
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)
