"""Configuration of Alertmanagers."""

from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from sidecar.deliver.config import BasicAuthConfig, base_url
from sidecar.deliver.relabel_config import RelabelConfig
from sidecar.model.address import Address, parse_address
from sidecar.model.config import Config
from sidecar.model.url import parse_web_url

DNS_PORT = 53


class AlertmanagerTlsConfig(Config):
    """How an Alertmanager is checked and what it is shown; the files are looked at again once a minute."""

    ca_file: str | None = Field(
        None, description="Certificates (PEM) that the server is checked against; empty: those of the system."
    )
    certificate_file: str | None = Field(None, description="Our certificate (PEM), for a server that asks for one.")
    key_file: str | None = Field(
        None, description="Private key (PEM) of our certificate; empty: it is in the certificate's file."
    )
    server_name: str = Field(
        "",
        description="Name that the certificate is for; empty: the host of `url`, or the name that was looked up.",
    )
    insecure_skip_verify: bool = Field(False, description="Take any certificate of the server.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("`key_file` needs a `certificate_file`")
        if self.ca_file is not None and self.insecure_skip_verify:
            raise ValueError("`ca_file` means nothing with `insecure_skip_verify`; set one of them")
        return self


class AlertmanagerDnsConfig(Config):
    """Alertmanagers that are looked up: each address has a queue of its own."""

    name: str = Field(min_length=1, max_length=253, description="Name that is looked up.")
    type: Literal["A", "AAAA", "SRV"] = Field("SRV", description="Records that are asked for.")
    port: int | None = Field(None, ge=1, le=65535, description="Port of all; with `SRV` the records say it.")
    scheme: Literal["http", "https"] = Field("http", description="How they are spoken to.")
    refresh_seconds: float = Field(30, ge=1, description="How often the name is looked up.")
    timeout_seconds: float = Field(5, gt=0, description="Longest time one look-up may take.")
    resolver: str = Field(
        "", description="Address of the server of names, as in `10.0.0.10:53`; empty: those in /etc/resolv.conf."
    )

    @property
    def server(self) -> Address | None:
        """Where names are asked for, if it is not the system's business."""
        return _resolver_address(self.resolver) if self.resolver else None

    @field_validator("resolver")
    @classmethod
    def _is_an_address(cls, resolver: str) -> str:
        if resolver:
            _resolver_address(resolver)
        return resolver

    @model_validator(mode="after")
    def _has_a_port(self) -> Self:
        if (self.port is None) != (self.type == "SRV"):
            raise ValueError("`A` and `AAAA` need a `port`, records of `SRV` have their own")
        return self


class AlertmanagerConfig(Config):
    """One or, by DNS, several Alertmanagers that are told about alerts, by version 2 of their API."""

    url: Annotated[str, AfterValidator(base_url)] | None = Field(
        None, description="Base URL, as in `http://alertmanager:9093`; `/api/v2/alerts` is added. This or `dns`."
    )
    dns: AlertmanagerDnsConfig | None = Field(None, description="Where to look Alertmanagers up, instead of a `url`.")
    path_prefix: str = Field("", description="Path that stands before `/api/v2/alerts`.")
    name: str = Field(
        "",
        description="Name in metrics and logs; by default the host and port of `url`, or the name that is looked up.",
    )
    timeout_seconds: float = Field(10, gt=0, description="Longest time one request may take, connecting included.")
    basic_auth: BasicAuthConfig | None = Field(None, description="Credentials by user name and password.")
    bearer_token: SecretStr | None = Field(None, description="Bearer token.")
    bearer_token_file: str | None = Field(None, description="File that holds the bearer token, read at each request.")
    tls: AlertmanagerTlsConfig = Field(AlertmanagerTlsConfig(), description="Certificates; of use with https.")
    alert_relabel_configs: tuple[RelabelConfig, ...] = Field(
        (), description="Prometheus' relabelling of the alerts for this one, after `rules.external_labels`."
    )
    queue_capacity: int = Field(
        10_000, ge=1, description="Alerts that may wait; when there are more the oldest are dropped and counted."
    )
    batch_size: int = Field(256, ge=1, description="Most alerts in one request.")

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_host(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name"):
            dns = data.get("dns")
            if isinstance(dns, dict):
                return {**data, "name": str(dns.get("name", ""))}
            try:
                return {**data, "name": parse_web_url(str(data.get("url"))).netloc}
            except ValueError:
                return data  # the URL's own check says what is wrong with it
        return data

    @field_validator("path_prefix")
    @classmethod
    def _is_a_path(cls, prefix: str) -> str:
        if any(character in prefix for character in "?#") or not prefix.isascii() or not prefix.isprintable():
            raise ValueError(f"`{prefix}` is not a path")
        stripped = prefix.strip("/")
        return f"/{stripped}" if stripped else ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.url is None) == (self.dns is None):
            raise ValueError("set one of `url` and `dns`")
        given = [self.basic_auth, self.bearer_token, self.bearer_token_file]
        if sum(item is not None for item in given) > 1:
            raise ValueError("set at most one of `basic_auth`, `bearer_token` and `bearer_token_file`")
        return self


def _resolver_address(text: str) -> Address:
    """Return the address of a server of names; raise ValueError if that is another name."""
    try:
        return Address(str(ip_address(text.strip("[]"))), DNS_PORT)
    except ValueError:
        address = parse_address(text)
    try:
        ip_address(address.host)
    except ValueError:
        raise ValueError(f"`{text}`: a server of names is given by its address, as in `10.0.0.10:53`") from None
    return address
