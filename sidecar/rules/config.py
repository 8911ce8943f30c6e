"""Configuration of rule files and of what every alert carries."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from sidecar.model.config import Config, FileName
from sidecar.model.url import parse_web_url

_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _label_names(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if not _LABEL_NAME.fullmatch(name):
            raise ValueError(f"`{name}` is not a label name")
    return labels


def _web_address(url: str) -> str:
    if url:
        parse_web_url(url)
    return url.rstrip("/")


class RulesConfig(Config):
    """Recording and alerting rules in Prometheus' rule file format."""

    files: tuple[FileName, ...] = Field(
        (),
        description="Rule files, as globs, of 1,000 files at most; a relative one starts at the folder of the "
        "configuration file.",
    )
    shipped: bool = Field(False, description="Evaluate the alerts that come with the sidecar too.")
    evaluation_interval_seconds: float = Field(
        60, ge=0.1, description="How often a group is evaluated that has no `interval` of its own."
    )
    external_labels: Annotated[dict[str, str], AfterValidator(_label_names)] = Field(
        {}, description="Labels added to every alert that is sent, unless the alert has them."
    )
    external_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "", description="Where people reach the sidecar; alerts link to it."
    )
    runbook_base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "",
        description="Where runbooks are: an annotation `runbook_url` that is only a path is completed by it when an "
        "alert is sent, and an alert without one gets this and its name in lower case.",
    )
    dashboard_base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "", description="Where dashboards are; the same for the annotation `dashboard_url`."
    )
    resend_delay_seconds: float = Field(
        60, ge=0, description="How long a firing alert is left alone before receivers are told again."
    )
    expose: bool = Field(
        True,
        description="Show recorded series, `ALERTS` and `ALERTS_FOR_STATE` on `/metrics`. Where Prometheus evaluates "
        "the same files it has them already.",
    )
