"""Label sets: how those of a sample and of its target become one."""

import pytest

from sidecar.model.labels import Labels, labels_of, with_target

TARGET = labels_of({"job": "shop", "instance": "pod-1"})


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        ({}, {}),
        ({"a": "1", "z": "2"}, {"a": "1", "z": "2"}),
        ({"job": "mine"}, {"exported_job": "mine"}),
        ({"job": "mine", "exported_job": "its"}, {"exported_job": "its", "exported_exported_job": "mine"}),
        ({"exported_job": "its"}, {"exported_job": "its"}),
    ],
)
def test_a_label_of_the_target_moves_one_of_the_sample_aside(own: dict[str, str], merged: dict[str, str]) -> None:
    assert with_target(labels_of(own), TARGET) == labels_of({**merged, **dict(TARGET)})


@pytest.mark.parametrize("labels", [(), (("a", "1"),)])
def test_without_a_target_labels_stay(labels: Labels) -> None:
    assert with_target(labels, ()) == labels
