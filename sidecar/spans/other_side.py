"""Who is at the other end of a call, as far as the span of this end says: for ends that send no spans."""

from sidecar.derive.label_values import Attributes, first_of
from sidecar.model.span import SpanKind
from sidecar.spans.calls import MessagingCall, peer_of
from sidecar.spans.database_call import NAMESPACE, NONE, DatabaseSpan

_NOBODY = ("", "localhost", "127.0.0.1", "::1", "[::1]")
_MESSAGES = (SpanKind.PRODUCER, SpanKind.CONSUMER)


def other_side(
    attributes: Attributes, kind: SpanKind, database: DatabaseSpan | None, messaging: MessagingCall | None
) -> str:
    """Return the name of a database, of where a message goes or comes from, else the host; empty if nothing says it.

    A number is no name of a database, as Redis has them: then the host is, and without one, or if it is the one that
    all call their own, the system.
    """
    peer = peer_of(attributes)
    if database is not None:
        name = first_of(attributes, NAMESPACE)
        return next((said for said in (name, peer) if not said.isdecimal() and said not in _NOBODY), database.system)
    if messaging is not None and kind in _MESSAGES and messaging.destination != NONE:
        return messaging.destination
    return peer
