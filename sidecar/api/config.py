"""Configuration of the two HTTP listeners."""

from pydantic import Field, field_validator

from sidecar.model.address import Address, ListenAddress
from sidecar.model.config import Config


class PodConfig(Config):
    """The pod listener: probes, /metrics. Reached by the kubelet and by Prometheus."""

    listen: ListenAddress = Field(
        Address("::", 9464), description="Address of probes and /metrics; `[::]` also takes IPv4."
    )


class ApiConfig(Config):
    """The loopback listener: the page and the JSON API."""

    listen: ListenAddress = Field(
        Address("127.0.0.1", 9465), description="Address of the built-in page, on loopback: it asks for no password."
    )

    admin: bool = Field(
        False,
        description="Whether the API also changes what the sidecar holds, as resolving errors does; whoever is on this "
        "machine may then.",
    )

    @field_validator("listen")
    @classmethod
    def _is_loopback(cls, listen: Address) -> Address:
        if not listen.is_loopback:
            raise ValueError(f"`{listen}` is not a loopback address; the page asks for no password")
        return listen
