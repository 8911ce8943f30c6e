"""The resources that metrics are received from: each is a job and an instance, and has a target_info."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidecar.metrics.names import label_name
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, Labels, labels_of, with_target

TARGET_INFO = Family(
    "target_info",
    MetricType.GAUGE,
    "Attributes of the resources whose metrics are received; 1.",
    ("job", "instance"),
)
_NAMESPACE, _NAME, _INSTANCE = "service.namespace", "service.name", "service.instance.id"
IDENTIFYING = frozenset({_NAMESPACE, _NAME, _INSTANCE})


@dataclass
class Target:
    """A resource that is told from others by `identity`, its job and instance.

    `info` holds the labels of its target_info, empty where the resource says nothing else or has no identity.
    `samples` is how many its series may become.
    """

    identity: Labels
    info: Labels = EMPTY
    samples: int = 0


def target_info(targets: Sequence[Target]) -> FamilySamples:
    """Return target_info with a sample for each of `targets` that has one."""
    return FamilySamples(TARGET_INFO, [Sample(TARGET_INFO.name, target.info, 1.0) for target in targets if target.info])


def target_of(attributes: Mapping[str, str], most_characters: int) -> Target:
    """Return the target that a resource is; its info has attributes of at most `most_characters` together."""
    name, namespace = attributes.get(_NAME, ""), attributes.get(_NAMESPACE, "")
    job = f"{namespace}/{name}" if namespace and name else name
    identity = labels_of({"job": job, "instance": attributes.get(_INSTANCE, "")})
    others = {key: value for key, value in attributes.items() if key not in IDENTIFYING}
    if not identity or not others:
        return Target(identity)
    info: dict[str, str] = {}
    left = most_characters
    for key, value in labels_from(others).items():
        if len(key) + len(value) <= left:
            left -= len(key) + len(value)
            info[key] = value
    return Target(identity, with_target(labels_of(info), identity))


def labels_from(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return `attributes` under names that labels may have; those that get the same are joined with `;`."""
    labels: dict[str, str] = {}
    for key, value in sorted(attributes.items()):
        name = label_name(key)
        labels[name] = f"{labels[name]};{value}" if name in labels else value
    labels.pop("", None)
    return labels
