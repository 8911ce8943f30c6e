"""What a span's W3C trace state says about how it was sampled.

https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/
"""

import re

_RANDOM_BITS = 56
_DIGITS = _RANDOM_BITS // 4
_EVERYTHING = 1 << _RANDOM_BITS
_OT = re.compile(rb"(?:^|,)[ \t]*ot=([^,]*)")
_THRESHOLD = re.compile(rb"(?:^|;)th:([0-9a-fA-F]{1,14})[ \t]*(?:;|$)")
_RANDOMNESS = re.compile(rb"(?:^|;)rv:([0-9a-fA-F]{14})[ \t]*(?:;|$)")


def adjusted_count(trace_state: bytes) -> float:
    """Return how many spans one with this `trace_state` stands for: 1 over the probability that it was sampled with.

    It is 1 where the state does not say, or where it contradicts itself: a sampler that let the randomness `rv` pass
    had no threshold `th` above it.
    """
    entry = _OT.search(trace_state)
    threshold = _THRESHOLD.search(entry[1]) if entry else None
    if entry is None or threshold is None:
        return 1.0
    rejected = int(threshold[1].ljust(_DIGITS, b"0"), 16)
    randomness = _RANDOMNESS.search(entry[1])
    if randomness and int(randomness[1], 16) < rejected:
        return 1.0
    return _EVERYTHING / (_EVERYTHING - rejected)
