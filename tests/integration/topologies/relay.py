"""A TCP relay between two servers, so that their link breaks while both stay up."""

import select
import socket
from threading import Event, Thread
from typing import Self

from sidecar.demo.servers import HOST


class Relay:
    """Forwards its own port to another on loopback, until it is cut or frozen; `restore` undoes both."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_cut = False
        self._flowing = Event()
        self._flowing.set()
        self._ends: set[socket.socket] = set()
        self._threads = [Thread(target=self._accept)]

    def cut(self) -> None:
        """End every connection and each new one at once, as when the peer crashed."""
        self._is_cut = True
        self._flowing.set()
        for end in list(self._ends):
            _shut(end)

    def freeze(self) -> None:
        """Keep the connections and forward nothing, as a network does that loses every packet."""
        self._flowing.clear()

    def restore(self) -> None:
        """Let connections come and bytes flow again."""
        self._is_cut = False
        self._flowing.set()

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        _shut(self._listener)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            thread = Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection((HOST, self._target_port))
            except OSError:
                return
            with server:
                self._ends |= {client, server}
                if not self._is_cut:
                    self._carry(client, server)
                self._ends -= {client, server}

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        peers = {client: server, server: client}
        try:
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(65536)
                    self._flowing.wait()
                    if not data:
                        return
                    peers[end].sendall(data)
        except OSError:  # cut
            return


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was faster
        return
