"""OTLP over gRPC: the component, light until it runs."""

import asyncio
from collections.abc import Callable
from functools import partial
from importlib import import_module

from sidecar.receive.otlp.meters import OtlpMeters
from sidecar.receive.otlp.reception import STOP_SECONDS, Reception
from sidecar.runtime.listen import listening_socket
from sidecar.runtime.meter import Meter
from sidecar.runtime.threads.purposes import RELOAD

CODES = ("OK", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "UNAVAILABLE", "UNKNOWN")


class OtlpGrpcReceiver:
    """Component that receives telemetry by the Export methods of OTLP's three services and gives it to sinks.

    What counts and what does not is as over HTTP.
    """

    def __init__(self, reception: Reception, meter: Meter) -> None:
        self.name = "otlp_grpc"
        listen = reception.config.grpc.listen
        assert listen is not None, "a receiver that is turned off is not made"
        self.address = listen
        self._reception = reception
        self._meters = OtlpMeters(meter, "grpc", CODES)

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; `address` is the real one once ready. Raises OperatorError if it cannot listen."""
        # gRPC takes 20 ms and 9 MB to import, which is for those alone who receive by it, and not for the event loop.
        heavy = await RELOAD.run(partial(import_module, "sidecar.receive.otlp.export"))
        listening_socket(self.address, self.name).close()  # says why not, if it cannot be had; gRPC does not
        async with asyncio.TaskGroup() as group:
            server = heavy.server(heavy.ExportHandler(self._reception, self._meters, group))
            self.address = self.address._replace(port=heavy.listen(server, self.address))
            await server.start()
            try:
                ready()
                await asyncio.Event().wait()
            finally:
                await server.stop(STOP_SECONDS)
