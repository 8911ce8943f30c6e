"""Serves a WSGI app at $PORT until SIGTERM."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import make_server


def serve(app: Any, export_rest: Callable[[], None]) -> None:
    """Serve `app`, and call `export_rest` at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
    finally:
        export_rest()
