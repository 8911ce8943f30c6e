"""Configuration of Prometheus' relabelling: what one step may be.

Reference: prometheus.io/docs/prometheus/latest/configuration/configuration, `relabel_config`.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sidecar.model.config import Config

LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Action = Literal[
    "replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase",
    "keepequal", "dropequal",
]  # fmt: skip

_TEMPLATE_OF_NAME = re.compile(r"(?:(?:[A-Za-z_]|\$(?:\{\w+\}|\w+))+\w*)+", re.ASCII)

_NEED_A_TARGET = {"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"}
_OF_NO_USE: Mapping[str, tuple[str, ...]] = {
    "lowercase": ("replacement",),
    "uppercase": ("replacement",),
    "keepequal": ("regex", "modulus", "separator", "replacement"),
    "dropequal": ("regex", "modulus", "separator", "replacement"),
    "labeldrop": ("source_labels", "target_label", "modulus", "separator", "replacement"),
    "labelkeep": ("source_labels", "target_label", "modulus", "separator", "replacement"),
}


class RelabelConfig(Config):
    """One step of relabelling, as Prometheus has it."""

    source_labels: tuple[str, ...] = Field((), description="Labels whose values are joined and looked at.")
    separator: str = Field(";", description="What stands between the joined values.")
    regex: str = Field("(.*)", description="RE2 expression that the whole of them must match.")
    modulus: int = Field(0, ge=0, lt=2**64, description="For `hashmod`: what the hash of the values is taken modulo.")
    target_label: str = Field("", description="Label that is written or compared; `replace` expands `$1` in it.")
    replacement: str = Field("$1", description="What is written; `$1` and `${name}` are groups of `regex`.")
    action: Action = Field("replace", description="What is done.")

    @field_validator("action", mode="before")
    @classmethod
    def _in_any_case(cls, action: Any) -> Any:
        return action.lower() if isinstance(action, str) else action

    @field_validator("regex")
    @classmethod
    def _is_re2(cls, regex: str) -> str:
        from sidecar.model.matcher import anchored_regex  # only here: RE2 is heavy

        anchored_regex(regex)
        return regex

    @model_validator(mode="after")
    def _fits_its_action(self) -> Self:
        action = self.action
        if action in _NEED_A_TARGET and not self.target_label:
            raise ValueError(f"`{action}` needs a `target_label`")
        if action == "hashmod" and not self.modulus:
            raise ValueError("`hashmod` needs a `modulus`")
        for name in _OF_NO_USE.get(action, ()):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"`{name}` means nothing to `{action}`")
        expanded = self.target_label if action == "replace" else self.replacement if action == "labelmap" else ""
        if expanded and not _TEMPLATE_OF_NAME.fullmatch(expanded):
            raise ValueError(f"`{expanded}` does not become a label name")
        if action in _NEED_A_TARGET - {"replace"} and not LABEL_NAME.fullmatch(self.target_label):
            raise ValueError(f"`{self.target_label}` is not a label name")
        return self
