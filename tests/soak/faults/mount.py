"""A file system that hangs when told to, as a network file system does whose server is away.

It speaks the kernel's FUSE protocol, as far as reading a few files needs it. While it hangs, whoever opens, reads or
looks at one of its files waits in the kernel.
"""

import os
import select
import struct
import time
from collections.abc import Mapping
from enum import IntEnum
from errno import ENOENT, ENOSYS
from stat import S_IFDIR, S_IFREG
from threading import Event, Thread


class Kind(IntEnum):
    """Of a request; the kernel is told of the others that there are none."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    OPEN = 14
    READ = 15
    RELEASE = 18
    INIT = 26
    INTERRUPT = 36
    BATCH_FORGET = 42


UNANSWERED = (Kind.FORGET, Kind.INTERRUPT, Kind.BATCH_FORGET)
REQUEST = struct.Struct("=IIQQIIIHH")
ANSWER = struct.Struct("=IiQ")
ATTRIBUTES = struct.Struct("=QQQQQQIIIIIIIIII")
REQUEST_BYTES = 1 << 18
LOOK_MILLISECONDS = 50
ROOT = 1
"""Node of the folder; the files have the numbers after it."""


class HangingMount:
    """Files with `contents` by name, in one folder, served until `close`; `descriptor` is for who mounts them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.contents = dict(files)
        self.descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._nodes = {name: ROOT + number for number, name in enumerate(files, 1)}
        self._names = {node: name for name, node in self._nodes.items()}
        self._answers = Event()
        self._answers.set()
        self._closed = False
        self._thread = Thread(target=self._serve, name="mount")
        self._thread.start()

    def hang(self) -> None:
        """Answer nothing from now on."""
        self._answers.clear()

    def answer(self) -> None:
        """Answer again, first what waited."""
        self._answers.set()

    def close(self) -> None:
        """End; whoever still waits for an answer gets an error."""
        self._closed = True
        self._answers.set()
        self._thread.join()
        os.close(self.descriptor)

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        while not self._closed:
            self._answers.wait()
            for _, events in poll.poll(LOOK_MILLISECONDS):
                if not events & select.POLLIN:  # nobody has mounted it yet, or does any more
                    time.sleep(LOOK_MILLISECONDS / 1000)
                    continue
                self._take()

    def _take(self) -> None:
        try:
            request = os.read(self.descriptor, REQUEST_BYTES)
        except OSError:  # interrupted, or not mounted
            return
        _, kind, unique, node, *_ = REQUEST.unpack_from(request)
        if kind in UNANSWERED:
            return
        error, answer = self._answer(kind, node, request[REQUEST.size :])
        try:
            os.write(self.descriptor, ANSWER.pack(ANSWER.size + len(answer), -error, unique) + answer)
        except OSError:  # whoever asked is gone
            return

    def _answer(self, kind: int, node: int, body: bytes) -> tuple[int, bytes]:
        match kind:
            case Kind.INIT:
                return 0, struct.pack("=IIIIHHIIHHI28x", 7, 31, 1 << 16, 0, 16, 12, 1 << 16, 1, 0, 0, 0)
            case Kind.LOOKUP:
                found = self._nodes.get(body.rstrip(b"\0").decode(errors="replace"))
                if found is None:
                    return ENOENT, b""
                return 0, struct.pack("=QQQQII", found, 0, 0, 0, 0, 0) + self._attributes(found)
            case Kind.GETATTR:
                return 0, struct.pack("=QII", 0, 0, 0) + self._attributes(node)
            case Kind.OPEN:
                return 0, bytes(16)
            case Kind.READ:
                _, offset, size = struct.unpack_from("=QQI", body)
                return 0, self.contents[self._names[node]][offset : offset + size]
            case Kind.RELEASE:
                return 0, b""
            case _:
                return ENOSYS, b""

    def _attributes(self, node: int) -> bytes:
        name = self._names.get(node)
        mode = S_IFDIR | 0o755 if name is None else S_IFREG | 0o644
        size = len(self.contents[name]) if name else 0
        return ATTRIBUTES.pack(node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
