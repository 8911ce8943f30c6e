"""Configuration of a Redis or Valkey server to scrape."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from sidecar.collect.config import Selection, TargetConfig
from sidecar.collect.redis.key_config import KeysConfig, StreamsConfig
from sidecar.collect.redis.queue_config import AnyQueueConfig, twice
from sidecar.collect.redis.url import parse_redis_url
from sidecar.model.config import Config
from sidecar.model.errors import TargetError

DUMPED_SETTINGS = (
    "activedefrag",
    "appendfsync",
    "appendonly",
    "client-output-buffer-limit",
    "client-query-buffer-limit",
    "cluster-enabled",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "databases",
    "hz",
    "io-threads",
    "latency-monitor-threshold",
    "latency-tracking",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "maxclients",
    "maxmemory",
    "maxmemory-clients",
    "maxmemory-policy",
    "maxmemory-samples",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "notify-keyspace-events",
    "protected-mode",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-diskless-sync",
    "repl-timeout",
    "replica-read-only",
    "replica-serve-stale-data",
    "save",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "stop-writes-on-bgsave-error",
    "tcp-backlog",
    "tcp-keepalive",
    "timeout",
    "tls-port",
    "tls-replication",
)

SECRET_SETTINGS = frozenset(
    {
        "aclfile",
        "hash-seed",
        "masterauth",
        "masteruser",
        "primaryauth",
        "primaryuser",
        "tls-client-key-file",
        "tls-key-file",
    }
)


class RedisTlsConfig(Config):
    """How a `rediss://` server is checked and what it is shown; every file is read again for every new connection."""

    ca_file: str | None = Field(
        None, description="Certificates (PEM) that the server is checked against; empty: those of the system."
    )
    certificate_file: str | None = Field(None, description="Our certificate (PEM), for a server that asks for one.")
    key_file: str | None = Field(
        None, description="Private key (PEM) of our certificate; empty: it is in the certificate's file."
    )
    insecure_skip_verify: bool = Field(False, description="Take any certificate of the server.")

    @model_validator(mode="after")
    def _has_a_certificate_for_its_key(self) -> Self:
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("`key_file` needs a `certificate_file`")
        return self


class RedisConfig(TargetConfig):
    """A Redis or Valkey server, scraped through one connection."""

    name: str = Field(
        "redis",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in logs, in labels and in `/probe?target=`; unique.",
    )
    url: SecretStr | None = Field(
        None,
        description="`redis://`, `rediss://`, `valkey://`, `valkeys://` or `unix://` URL. One of url and url_file is "
        "needed.",
    )
    url_file: str | None = Field(None, description="File that holds the URL, read again for every new connection.")
    username: str | None = Field(None, description="ACL user; empty: the URL's, or the default user.")
    password: SecretStr | None = Field(None, description="Password; empty: the URL's.")
    password_file: str | None = Field(
        None,
        description="File that holds the password, or a JSON object of passwords by URL; read again for every new "
        "connection, wins over the others.",
    )
    tls: RedisTlsConfig = Field(RedisTlsConfig(), description="Certificates; of use with `rediss://` and `valkeys://`.")
    ping: bool = Field(False, description="Measure the time of a PING at each scrape too.")
    dumped_settings: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]+$")], ...] = Field(
        DUMPED_SETTINGS,
        description="Server settings that the section `config_dump` tells; no secret can be among them.",
    )
    sections: Selection = Field(
        Selection(), description="Sections to collect; see the metrics reference for their names."
    )

    queues: tuple[AnyQueueConfig, ...] = Field(
        (), max_length=200, description="Queues whose depth is shown; none: the section `queues` is not collected."
    )
    streams: StreamsConfig = Field(StreamsConfig(), description="Streams that the section `streams` tells about.")
    keys: KeysConfig = Field(KeysConfig(), description="Keys that the section `keys` tells about.")

    @field_validator("url")
    @classmethod
    def _is_a_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        try:
            if url is not None:
                parse_redis_url(url.get_secret_value())
        except TargetError as error:
            raise ValueError(str(error)) from error
        return url

    @field_validator("queues")
    @classmethod
    def _is_there_once(cls, queues: tuple[AnyQueueConfig, ...]) -> tuple[AnyQueueConfig, ...]:
        if label := twice(queues):
            raise ValueError(f"queue `{label}` is configured twice")
        return queues

    @field_validator("dumped_settings")
    @classmethod
    def _is_no_secret(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in SECRET_SETTINGS or "pass" in name:
                raise ValueError(f"`{name}` is a secret or leads to one; it cannot be told")
        return names

    @model_validator(mode="after")
    def _has_one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give exactly one of `url` and `url_file`")
        return self
