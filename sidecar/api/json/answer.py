"""Answers in JSON."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sidecar.codec.json_text import json_text


def json_response(
    document: Any, status: int = 200, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return the answer that `document` is as JSON, which is valid whatever is in it."""
    return web.Response(text=json_text(document), status=status, content_type=content_type, headers=headers)
