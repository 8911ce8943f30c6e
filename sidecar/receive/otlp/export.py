"""OTLP's gRPC services: the dialogue with a sender.

The handlers take raw bytes: a servicer that is generated from the protocol answers UNKNOWN to what it cannot parse.
"""

import asyncio
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import grpc
from grpc.aio import Server, ServicerContext
from typing_extensions import override

from sidecar.codec.otlp.answers import RpcCode, exported, rpc_status
from sidecar.codec.otlp.signal import SIGNALS, Signal
from sidecar.model.address import Address
from sidecar.model.errors import OperatorError, SenderError, TooLargeError
from sidecar.receive.otlp.allowance import Held
from sidecar.receive.otlp.ingest import Ingested
from sidecar.receive.otlp.meters import OtlpMeters
from sidecar.receive.otlp.reception import Reception
from sidecar.receive.otlp.refusal import SlowSenderError, retry_after, rpc_code_of

MESSAGES_AT_ONCE = 8
"""Messages that may be on their way in at a time. gRPC tells the size of one only when all of it is there and
decompressed, so this many of the largest size are what it may hold beyond what we count. More wait at their senders."""

STREAMS = 128
"""Requests of a connection at a time; further ones wait at their sender."""
HANDSHAKE_MILLISECONDS = 5_000
IDLE_MILLISECONDS = 300_000
"""A connection that is none of gRPC's, or without a request for so long, is closed; a sender opens another one."""

_STATUS_DETAILS = "grpc-status-details-bin"
_STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ExportHandler(grpc.GenericRpcHandler):
    """Routes the Export methods of the signals that have a way in."""

    def __init__(self, reception: Reception, meters: OtlpMeters, group: asyncio.TaskGroup) -> None:
        self._reception = reception
        self._meters = meters
        self._group = group
        self._messages = asyncio.Semaphore(MESSAGES_AT_ONCE)
        self._methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            # A stream of requests of which one is read, because then we decide when it is.
            signal.method: grpc.stream_unary_rpc_method_handler(partial(self._export, signal))
            for signal in SIGNALS
            if reception.ingests.of(signal)
        }

    @property
    def max_message_bytes(self) -> int:
        """The largest message, decompressed."""
        return self._reception.config.max_body_bytes

    @override
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        handler = self._methods.get(handler_call_details.method)
        if handler is None:
            self._meters.answered(None, "UNIMPLEMENTED")
        return handler

    async def _export(self, signal: Signal, _: object, context: "Context") -> bytes:
        """Return the answer to one request, and count it."""
        taken = await self._take(signal, context)
        if isinstance(taken, Exception):
            self._meters.answered(signal, "UNKNOWN")
            raise taken  # to gRPC, which says so to the sender and to the log
        if isinstance(taken, _Refused):
            self._meters.refused(signal, taken.code.name, taken.received)
            details = rpc_status(taken.code, taken.reason, taken.retry_after)
            context.set_trailing_metadata(((_STATUS_DETAILS, details),))
            await context.abort(_STATUS_CODES[taken.code], taken.reason)
        self._meters.answered(signal, "OK")
        return exported(taken.lost, taken.reason)

    async def _take(self, signal: Signal, context: "Context") -> "Ingested | _Refused | Exception":
        """Return what became of one request.

        What gRPC aborts with stays until the garbage collector comes, and so does all that is known where it is raised:
        so nothing there may know the message.
        """
        received = 0
        try:
            with ExitStack() as stack:
                held = stack.enter_context(self._reception.allowance.enter())
                message = await self._read(context)
                received = len(message)
                held.add(received)
                # A sender that gives up must not leave us with the half of its request.
                work = self._group.create_task(self._ingest(signal, message, held, stack.pop_all()))
            return await asyncio.shield(work)
        except SenderError as error:
            return _refused(error, received)
        except Exception as error:  # noqa: BLE001 - the edge: raised again where the sender is answered
            return error

    async def _read(self, context: "Context") -> bytes:
        try:
            async with asyncio.timeout(self._reception.config.read_timeout_seconds), self._messages:
                message: Any = await context.read()
        except TimeoutError as error:
            raise SlowSenderError("the request did not arrive in time") from error
        if isinstance(message, bytes):
            return message
        # gRPC has refused it already, unless the sender gave up or sent none
        raise TooLargeError(f"no message came, or one over the limit of {self.max_message_bytes} bytes")

    async def _ingest(
        self, signal: Signal, message: bytes, held: Held, holding: ExitStack
    ) -> "Ingested | _Refused | Exception":
        """Return what became of a request; an error as well, because one that is raised would end the whole group."""
        with holding:
            try:
                ingest = self._reception.ingest_of(signal)
                taken = await ingest.ingest(message, ingest.protobuf, held)
                self._meters.accepted(signal, taken)
                return taken
            except SenderError as error:
                return _refused(error, len(message))
            except Exception as error:  # noqa: BLE001 - the edge: raised again where the sender is answered
                return error


class _Refused(NamedTuple):
    code: RpcCode
    reason: str
    retry_after: int | None
    received: int


def _refused(error: SenderError, received: int) -> _Refused:
    return _Refused(rpc_code_of(error.status), str(error), retry_after(error), received)


Context = ServicerContext[bytes, bytes]


def server(handler: ExportHandler) -> Server:
    """Return a server of `handler` that does not listen yet."""
    options = [
        ("grpc.max_receive_message_length", handler.max_message_bytes),
        ("grpc.max_concurrent_streams", STREAMS),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MILLISECONDS),
        ("grpc.max_connection_idle_ms", IDLE_MILLISECONDS),
        ("grpc.so_reuseport", 0),
    ]
    made = grpc.aio.server(options=options)
    made.add_generic_rpc_handlers((handler,))
    return made


def listen(server: Server, address: Address) -> int:
    """Have `server` listen on `address` and return the port; an empty host is every interface, IPv6 and IPv4."""
    try:
        return server.add_insecure_port(str(address if address.host else Address("::", address.port)))
    except RuntimeError as error:
        raise OperatorError(f"otlp_grpc: cannot listen on `{address}`: {error}") from error
