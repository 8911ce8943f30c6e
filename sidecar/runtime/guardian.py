"""Hears the signals and can end the process, whatever the event loop does.

A loop that is stuck never learns of a signal, and what it waits for in a thread or the kernel cannot be cancelled. The
first process of a container has no default actions to fall back on either: the kernel gives it no signal that it does
not handle. So a plain thread hears the signals, and the clock that ends an overdue stop runs in the C of faulthandler,
which needs neither the interpreter's lock nor room on standard error.
"""

import faulthandler
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Orders(NamedTuple):
    """What the signals ask of who runs the process, in its event loop: `stop` within `stop_seconds`, or `reload`."""

    loop: "AbstractEventLoop"
    stop: Callable[[], None]
    reload: Callable[[], None]
    stop_seconds: Callable[[], float]


class Guardian:
    """Thread that hears SIGTERM, SIGINT and SIGHUP from `watch` on; a process has one.

    Until somebody takes orders, a signal to stop ends the process at once, and SIGHUP is kept for who does. After that
    the first one to stop is passed on and the process ends `stop_seconds` later at the latest, with exit code 1; the
    second one ends it at once, with the exit code that a shell gives to that signal.
    """

    def __init__(self) -> None:
        self._orders: Orders | None = None
        self._stopping = False
        self._reload_kept = False
        self._lock = threading.Lock()

    def watch(self) -> None:
        """Begin to hear the signals; to be called from the main thread, once."""
        heard, told = os.pipe()
        os.set_blocking(told, False)
        threading.Thread(target=self._hear, args=(heard,), name="guardian", daemon=True).start()
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            signal.signal(number, _wakes_the_guardian)

    def obey(self, orders: Orders) -> None:
        """Pass signals on from now on, and a SIGHUP that came before; to be called in the event loop."""
        with self._lock:
            self._orders = orders
            if self._reload_kept:
                orders.reload()

    def _hear(self, heard: int) -> NoReturn:
        while True:
            for number in os.read(heard, 64):
                with self._lock:
                    self._heard(signal.Signals(number))

    def _heard(self, number: signal.Signals) -> None:
        orders = self._orders
        if number == signal.SIGHUP:
            self._reload_kept = orders is None or not _passed_on(orders, orders.reload)
        elif orders is None or self._stopping:
            os._exit(128 + number)
        else:
            self._stopping = True
            end_within(orders.stop_seconds())
            if not _passed_on(orders, orders.stop):
                os._exit(128 + number)


GUARDIAN = Guardian()


def end_within(seconds: float) -> None:
    """End the process if it still runs then, with exit code 1 and, if that has room, a traceback on standard error.

    A later call sets another time.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_last_words())


def _passed_on(orders: Orders, order: Callable[[], None]) -> bool:
    """Have the event loop carry out `order`; return whether there is a loop that could."""
    try:
        orders.loop.call_soon_threadsafe(order)
    except RuntimeError:  # it is closed
        return False
    return True


def _last_words() -> int:
    """Return a file of ours for standard error that never waits for its reader, or one that takes everything."""
    try:
        return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # a socket, or closed
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _wakes_the_guardian(_number: int, _frame: object) -> None:
    """Do nothing in the main thread: that there is a handler at all makes the interpreter write to the wakeup pipe."""
