"""Prometheus' relabelling: what labels become, one step after the other, or that there is to be nothing.

Reference: `model/relabel` of Prometheus 3.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import md5
from typing import TypeAlias

from sidecar.deliver.relabel_config import LABEL_NAME, RelabelConfig
from sidecar.model.expansion import expanded
from sidecar.model.matcher import anchored_regex

Labels: TypeAlias = dict[str, str]
Step: TypeAlias = Callable[[Labels], bool]
"""Changes labels; returns False if nothing is to come of them."""


class Relabelling:
    """All steps of a list of configurations, compiled once."""

    def __init__(self, configs: Iterable[RelabelConfig]) -> None:
        self._steps = [_step(config) for config in configs]

    def __bool__(self) -> bool:
        """Return whether there is any step."""
        return bool(self._steps)

    def apply(self, labels: Mapping[str, str]) -> Labels | None:
        """Return what `labels` become, None if they are dropped. A label without value is none."""
        found = {name: value for name, value in labels.items() if value}
        return found if all(step(found) for step in self._steps) else None


def _step(config: RelabelConfig) -> Step:
    match config.action:
        case "keep" | "drop":
            return _choosing(config)
        case "keepequal" | "dropequal":
            return lambda labels: (
                (_joined(config, labels) == labels.get(config.target_label, "")) is (config.action == "keepequal")
            )
        case "labelmap" | "labeldrop" | "labelkeep":
            return _naming(config)
        case "replace":
            return _replacing(config)
        case "hashmod":
            return _writing(config, lambda text: str(_hash(text) % config.modulus))
        case "lowercase":
            return _writing(config, lambda text: "".join(character.lower()[:1] for character in text))
        case _:
            return _writing(config, _upper)


def _choosing(config: RelabelConfig) -> Step:
    pattern, keeps = anchored_regex(config.regex), config.action == "keep"
    return lambda labels: (pattern.fullmatch(_joined(config, labels)) is not None) is keeps


def _replacing(config: RelabelConfig) -> Step:
    pattern = anchored_regex(config.regex)

    def replace(labels: Labels) -> bool:
        match = pattern.fullmatch(_joined(config, labels))
        if match is not None:
            name = expanded(config.target_label, match)
            if LABEL_NAME.fullmatch(name):
                _set(labels, name, expanded(config.replacement, match))
        return True

    return replace


def _writing(config: RelabelConfig, written: Callable[[str], str]) -> Step:
    def write(labels: Labels) -> bool:
        _set(labels, config.target_label, written(_joined(config, labels)))
        return True

    return write


def _naming(config: RelabelConfig) -> Step:
    pattern = anchored_regex(config.regex)

    def name_anew(labels: Labels) -> bool:
        for name, value in list(labels.items()):
            match = pattern.fullmatch(name)
            if config.action == "labelmap":
                if match is not None:
                    _set(labels, expanded(config.replacement, match), value)
            elif (match is None) is (config.action == "labelkeep"):
                labels.pop(name)
        return True

    return name_anew


def _joined(config: RelabelConfig, labels: Labels) -> str:
    return config.separator.join(labels.get(name, "") for name in config.source_labels)


def _set(labels: Labels, name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _hash(text: str) -> int:
    return int.from_bytes(md5(text.encode(errors="replace"), usedforsecurity=False).digest()[8:], "big")


def _upper(text: str) -> str:
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)
