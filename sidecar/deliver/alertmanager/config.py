"""Configuration of an Alertmanager."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from sidecar.deliver.config import BasicAuthConfig, base_url
from sidecar.model.config import Config
from sidecar.model.url import parse_web_url


class AlertmanagerConfig(Config):
    """An Alertmanager that is told about alerts, by version 2 of its API."""

    url: Annotated[str, AfterValidator(base_url)] = Field(
        description="Base URL, as in `http://alertmanager:9093`; `/api/v2/alerts` is added."
    )
    name: str = Field("", description="Name in metrics and logs; the host and port of `url` by default.")
    timeout_seconds: float = Field(10, gt=0, description="Longest time one request may take, connecting included.")
    basic_auth: BasicAuthConfig | None = Field(None, description="Credentials by user name and password.")
    bearer_token: SecretStr | None = Field(None, description="Bearer token.")
    bearer_token_file: str | None = Field(None, description="File that holds the bearer token, read at each request.")
    queue_capacity: int = Field(
        10_000, ge=1, description="Alerts that may wait; when there are more the oldest are dropped and counted."
    )
    batch_size: int = Field(256, ge=1, description="Most alerts in one request.")

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_host(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name"):
            try:
                return {**data, "name": parse_web_url(str(data.get("url"))).netloc}
            except ValueError:
                return data  # the URL's own check says what is wrong with it
        return data

    @model_validator(mode="after")
    def _at_most_one_credential(self) -> Self:
        given = [self.basic_auth, self.bearer_token, self.bearer_token_file]
        if sum(item is not None for item in given) > 1:
            raise ValueError("set at most one of `basic_auth`, `bearer_token` and `bearer_token_file`")
        return self
