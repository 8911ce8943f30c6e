"""Numbers as Prometheus prints them."""

import math
from decimal import Decimal


def format_plain(value: float) -> str:
    """Return the shortest decimal that reads back as `value`, never with an exponent: Go's 'f' format."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")
