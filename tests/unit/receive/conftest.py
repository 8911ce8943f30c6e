"""Receivers for each test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.receive.served import serving


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Return a function that starts receivers with these settings."""
    async with serving() as start:
        yield start
