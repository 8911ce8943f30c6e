"""Configuration of a Redis or Valkey server to scrape."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from sidecar.collect.config import Selection, TargetConfig

SCHEMES = ("redis://", "rediss://", "unix://")


class RedisConfig(TargetConfig):
    """A Redis or Valkey server, scraped through one connection."""

    name: str = Field(
        "redis",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in logs, in labels and in `/probe?target=`; unique.",
    )
    url: SecretStr | None = Field(
        None, description="`redis://`, `rediss://` or `unix://` URL. One of url and url_file is needed."
    )
    url_file: str | None = Field(None, description="File that holds the URL, read again for every new connection.")
    username: str | None = Field(None, description="ACL user; empty: the URL's, or the default user.")
    password: SecretStr | None = Field(None, description="Password; empty: the URL's.")
    password_file: str | None = Field(
        None, description="File that holds the password, read again for every new connection; wins over the others."
    )
    sections: Selection = Field(
        Selection(), description="Sections to collect; see the metrics reference for their names."
    )

    @field_validator("url")
    @classmethod
    def _is_a_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(SCHEMES):
            raise ValueError(f"a URL here starts with one of {', '.join(SCHEMES)}")
        return url

    @model_validator(mode="after")
    def _has_one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give exactly one of `url` and `url_file`")
        return self
