"""Where one Alertmanager is."""

from typing import NamedTuple

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.model.address import Address


class Found(NamedTuple):
    """What a look-up gives: an address, and the name that it is of."""

    address: Address
    name: str


class Place(NamedTuple):
    """Who is told, at which base URL; `host` is the name for the Host header and for TLS where the URL has none."""

    receiver: str
    url: str
    host: str = ""


def place_of(config: AlertmanagerConfig) -> Place:
    """Return the place of an Alertmanager with a `url`."""
    return Place(config.name, f"{config.url}{config.path_prefix}")


def place_at(config: AlertmanagerConfig, found: Found) -> Place:
    """Return the place of one that was looked up."""
    assert config.dns is not None
    url = f"{config.dns.scheme}://{found.address}{config.path_prefix}"
    return Place(f"{config.name}/{found.address}", url, found.name)
