"""Configuration of the tcp check."""

from typing import Literal

from pydantic import Field

from sidecar.model.address import ListenAddress
from sidecar.probe.checks.config import CheckConfig


class TcpCheckConfig(CheckConfig):
    """Open a TCP connection to the app."""

    kind: Literal["tcp"]
    address: ListenAddress = Field(description="`host:port` that the app listens on.")
