"""Where a trace enters a service."""

import numpy as np
from numpy.typing import NDArray

from sidecar.model.span import SpanKind
from sidecar.model.span_columns import Words

HAS_IS_REMOTE = 0x100
IS_REMOTE = 0x200
"""SpanFlags of OTLP: whether it is known where the parent was, and whether it was in another process."""

_ENTRANCES = np.isin(np.arange(max(SpanKind) + 1), (SpanKind.SERVER, SpanKind.CONSUMER))


def are_local_roots(parents: Words, flags: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return of each span whether it is the first of its trace in its process: it has no parent, or one in another.

    A sender that does not say where the parent was is taken at the kind of its span: what serves a request or consumes
    a message was called from elsewhere.
    """
    is_entrance = np.where(flags & HAS_IS_REMOTE != 0, flags & IS_REMOTE != 0, _ENTRANCES[kinds])
    roots: NDArray[np.bool_] = (parents == 0) | is_entrance
    return roots
