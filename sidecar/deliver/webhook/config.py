"""Configuration of a webhook."""

from typing import Literal, Self, TypeAlias

from pydantic import Field, SecretStr, field_validator, model_validator

from sidecar.model.config import Config
from sidecar.model.url import parse_web_url

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"


WebhookKind: TypeAlias = Literal["alertmanager", "slack", "teams", "discord", "pagerduty", "ntfy"]
"""Whose body is sent."""


class WebhookConfig(Config):
    """A service that is told of alerts in groups, as an Alertmanager would tell it."""

    name: str = Field(min_length=1, max_length=100, description="Name in metrics, logs and bodies.")
    kind: WebhookKind = Field(
        description="Whose body is sent: Alertmanager's webhook of version 4, Slack's incoming webhooks, workflows of "
        "Teams, Discord, PagerDuty's Events API v2, ntfy."
    )
    url: SecretStr | None = Field(
        None,
        description="Where it is sent, all of it a secret. Of ntfy the URL of the topic; of PagerDuty its own by "
        "default.",
    )
    url_file: str | None = Field(None, description="File that holds the URL, read at each request.")
    routing_key: SecretStr | None = Field(None, description="Integration key of PagerDuty.")
    routing_key_file: str | None = Field(None, description="File that holds the integration key of PagerDuty.")
    bearer_token: SecretStr | None = Field(None, description="Bearer token, as ntfy has them.")
    bearer_token_file: str | None = Field(None, description="File that holds the bearer token.")
    group_by: tuple[str, ...] = Field(
        ("alertname",),
        description="Labels by which alerts are told together; none: all at once, `...`: each for itself.",
    )
    group_wait_seconds: float = Field(
        30, ge=0, le=86400, description="How long the first alert of a group waits for others."
    )
    group_interval_seconds: float = Field(
        300, ge=1, le=86400, description="How long after a group was looked at changes in it are told."
    )
    repeat_interval_seconds: float = Field(
        14_400, ge=1, le=31 * 86400, description="How long after it was told a group that goes on is told again."
    )
    send_resolved: bool = Field(True, description="Tell of the end of alerts too.")
    timeout_seconds: float = Field(10, gt=0, le=300, description="Longest time one request may take.")
    retry_seconds: float = Field(
        60,
        ge=0,
        le=3600,
        description="How long a notification is tried again after answers 429, 5xx or none at all; then it is lost, "
        "counted, and told again when its group is due next.",
    )
    max_groups: int = Field(1000, ge=1, le=100_000, description="Most groups; alerts of further ones are dropped.")
    max_alerts: int = Field(10_000, ge=1, le=1_000_000, description="Most alerts in all groups; more are dropped.")

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        is_pagerduty = self.kind == "pagerduty"
        urls = (self.url is not None) + (self.url_file is not None)
        keys = (self.routing_key is not None) + (self.routing_key_file is not None)
        if urls > 1 or (not urls and not is_pagerduty):
            raise ValueError("set exactly one of `url` and `url_file`")
        if keys != is_pagerduty:
            only = "for kind `pagerduty` set exactly" if is_pagerduty else "only kind `pagerduty` has"
            raise ValueError(f"{only} one of `routing_key` and `routing_key_file`")
        if self.bearer_token is not None and self.bearer_token_file is not None:
            raise ValueError("set at most one of `bearer_token` and `bearer_token_file`")
        if self.kind == "ntfy" and self.url is not None:
            split_topic(self.url.get_secret_value())
        return self


class DeadManConfig(Config):
    """A service outside that is called while the watchdog alert fires, and raises the alarm when the calls stop."""

    url: SecretStr | None = Field(None, description="What is called by GET, all of it a secret.")
    url_file: str | None = Field(None, description="File that holds the URL, read at each call.")
    interval_seconds: float = Field(60, ge=1, le=86400, description="How often it is called.")
    timeout_seconds: float = Field(10, gt=0, le=300, description="Longest time one call may take.")
    alertname: str = Field(
        "Watchdog", min_length=1, description="The alert that must fire, which one of the shipped rules always does."
    )

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("set exactly one of `url` and `url_file`")
        return self


def check_url(url: str) -> None:
    """Raise ValueError, without repeating any of it, if `url` is not a web address."""
    try:
        parse_web_url(url)
    except ValueError:
        raise ValueError("this is not an http or https URL without credentials before its host") from None


def split_topic(url: str) -> tuple[str, str]:
    """Return the server and the topic of an ntfy URL; raise ValueError if it has no topic."""
    server, _, topic = url.rstrip("/").rpartition("/")
    if not topic or server.endswith(":/") or "?" in topic:
        raise ValueError("the URL of an ntfy topic ends in the topic's name")
    return f"{server}/", topic
