"""Where a trace enters a service."""

from sidecar.model.span import SpanKind, SpanMessage

HAS_IS_REMOTE = 0x100
IS_REMOTE = 0x200
"""SpanFlags of OTLP: whether it is known where the parent was, and whether it was in another process."""

_ENTRANCES = (SpanKind.SERVER, SpanKind.CONSUMER)


def is_local_root(span: SpanMessage, parent_id: bytes) -> bool:
    """Return whether `span` is the first of its trace in its process: it has no parent, or one in another process.

    `parent_id` is what `span_id_of` says of its parent, which who looks at many spans asks for all of them. A sender
    that does not say where the parent was is taken at the kind of its span: what serves a request or consumes a
    message was called from elsewhere.
    """
    if not parent_id:
        return True
    flags = span.flags
    return bool(flags & IS_REMOTE) if flags & HAS_IS_REMOTE else span.kind in _ENTRANCES
