"""Remote procedure calls: which method, and whether its status code is a failure.

https://opentelemetry.io/docs/specs/semconv/rpc/
"""

from typing import NamedTuple

from sidecar.derive.label_values import Attributes, first_of

_SERVICE, _METHOD = "rpc.service", "rpc.method"
RPC_STATUS = (
    "rpc.response.status_code",
    "rpc.grpc.status_code",
    "rpc.connect_rpc.error_code",
    "rpc.jsonrpc.error_code",
)
RPC = (_SERVICE, _METHOD, *RPC_STATUS)
"""Keys that calls are made from: those of the stable convention first, which has the service in the method's name."""

_GRPC_CODES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
_FAULTS_OF_SERVERS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""The conventions' list; the other codes say that the caller asked for what it cannot have."""
_SPELLINGS = {"CANCELED": "CANCELLED", **{code.replace("_", ""): code for code in _GRPC_CODES}}
"""Such as Go's `DeadlineExceeded`."""


class RpcCall(NamedTuple):
    """The RPC side of a span: `endpoint` is `service/method`, empty where that is not said, and `status` a code.

    Codes are the names of gRPC's, which Connect shares, or the numbers of JSON-RPC.
    """

    endpoint: str
    status: str

    def failed(self, *, served: bool) -> bool:
        """Return whether the status is a failure to whoever served the call, else to who made it."""
        if self.status in _GRPC_CODES:
            return self.status in _FAULTS_OF_SERVERS if served else self.status != "OK"
        return self.status.startswith("-")  # all of JSON-RPC's errors are, and other protocols have codes of their own


def rpc_call(attributes: Attributes) -> RpcCall | None:
    """Return what `attributes` say about a remote procedure call; None if nothing."""
    service, method = first_of(attributes, (_SERVICE,)), first_of(attributes, (_METHOD,))
    endpoint = method if "/" in method else "/".join(filter(None, (service, method)))
    status = first_of(attributes, RPC_STATUS)
    return RpcCall(endpoint, _code_of(status)) if endpoint or status else None


def _code_of(status: str) -> str:
    if status.isdecimal() and len(status) <= 2:
        return _GRPC_CODES[int(status)] if int(status) < len(_GRPC_CODES) else status
    return _SPELLINGS.get(status.upper(), status.upper())
