"""Label sets: how those of a sample and of its target become one."""

import pytest

from sidecar.model.labels import Labels, labels_of, replaced, with_target

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


@pytest.mark.parametrize(
    ("pairs", "result"),
    [
        ({}, {"a": "1", "z": "2"}),
        ({"a": "3"}, {"a": "3", "z": "2"}),
        ({"m": "3", "z": ""}, {"a": "1", "m": "3"}),
        ({"a": "", "b": "", "z": ""}, {}),
    ],
)
def test_labels_are_replaced_added_and_with_an_empty_value_taken_out(
    pairs: dict[str, str], result: dict[str, str]
) -> None:
    labels = labels_of({"a": "1", "z": "2"})
    found = replaced(labels, tuple(pairs.items()))
    assert found == labels_of(result)
    assert all(any(pair is own for own in labels) for pair in found if pair in labels)
