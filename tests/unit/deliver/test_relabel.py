"""Relabelling as Prometheus' documentation and its own tests (`model/relabel/relabel_test.go`) have it."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.deliver.relabel import Relabelling
from sidecar.deliver.relabel_config import RelabelConfig

ABC = {"a": "foo", "b": "bar", "c": "baz"}


def relabelled(labels: dict[str, str], *configs: dict[str, Any]) -> dict[str, str] | None:
    return Relabelling(RelabelConfig.model_validate(config) for config in configs).apply(labels)


@pytest.mark.parametrize(
    ("labels", "config", "expected"),
    [
        (ABC, {"source_labels": ["a"], "regex": "f(.*)", "target_label": "d", "separator": ";",
               "replacement": "ch${1}-ch${1}"}, {**ABC, "d": "choo-choo"}),
        (ABC, {"source_labels": ["a", "b"], "regex": "f(.*);(.*)r", "target_label": "a",
               "replacement": "b${1}${2}m"}, {**ABC, "a": "boobam"}),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": ".*o.*", "action": "drop"}, None),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "no-match", "action": "drop"}, {"a": "foo"}),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "f|o", "action": "drop"}, {"a": "foo"}),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "no-match", "action": "keep"}, None),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "f.*", "action": "keep"}, {"a": "foo"}),
        ({"a": "f\no"}, {"source_labels": ["a"], "regex": "f.o", "action": "keep"}, {"a": "f\no"}),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "f", "target_label": "b", "replacement": "bar"},
         {"a": "foo"}),
        ({"a": "foo"}, {"source_labels": ["a"], "regex": "f(x)?oo", "target_label": "a"}, {}),
        (ABC, {"source_labels": ["c"], "target_label": "d", "action": "hashmod", "modulus": 1000},
         {**ABC, "d": "976"}),
        ({"a": "foo\nbar"}, {"source_labels": ["a"], "target_label": "b", "action": "hashmod", "modulus": 1000},
         {"a": "foo\nbar", "b": "734"}),
        ({"a": "foo", "b1": "bar", "b2": "baz"}, {"regex": "(b.*)", "replacement": "bar_${1}", "action": "labelmap"},
         {"a": "foo", "b1": "bar", "b2": "baz", "bar_b1": "bar", "bar_b2": "baz"}),
        ({"a": "foo", "__meta_my_bar": "aaa", "__meta_other": "x"},
         {"regex": "__meta_(my.*)", "action": "labelmap"},
         {"a": "foo", "__meta_my_bar": "aaa", "__meta_other": "x", "my_bar": "aaa"}),
        ({"a": "some-name-value"}, {"source_labels": ["a"], "regex": "some-([^-]+)-([^,]+)",
                                    "replacement": "${2}", "target_label": "${1}"},
         {"a": "some-name-value", "name": "value"}),
        ({"a": "some-name-0"}, {"source_labels": ["a"], "regex": "some-([^-]+)-([^,]+)", "replacement": "x",
                                "target_label": "${3}"}, {"a": "some-name-0"}),
        ({"a": "some-2name-0"}, {"source_labels": ["a"], "regex": "some-([^-]+)-([^,]+)", "replacement": "x",
                                 "target_label": "$1"}, {"a": "some-2name-0"}),
        ({"a": "foo", "b1": "bar", "b2": "baz"}, {"regex": "(b.*)", "action": "labelkeep"},
         {"b1": "bar", "b2": "baz"}),
        ({"a": "foo", "b1": "bar", "b2": "baz"}, {"regex": "(b.*)", "action": "labeldrop"}, {"a": "foo"}),
        ({"foo": "bAr123Foo"}, {"source_labels": ["foo"], "action": "uppercase", "target_label": "u"},
         {"foo": "bAr123Foo", "u": "BAR123FOO"}),
        ({"foo": "bAr123Foo"}, {"source_labels": ["foo"], "action": "Lowercase", "target_label": "l"},
         {"foo": "bAr123Foo", "l": "bar123foo"}),
        ({"p": "1234", "q": "1234"}, {"source_labels": ["p"], "action": "keepequal", "target_label": "q"},
         {"p": "1234", "q": "1234"}),
        ({"p": "1234", "q": "5678"}, {"source_labels": ["p"], "action": "keepequal", "target_label": "q"}, None),
        ({"p": "1234", "q": "1234"}, {"source_labels": ["p"], "action": "dropequal", "target_label": "q"}, None),
        ({"p": "1234", "q": "5678"}, {"source_labels": ["p"], "action": "dropequal", "target_label": "q"},
         {"p": "1234", "q": "5678"}),
        ({"p": "1"}, {"source_labels": ["absent"], "action": "dropequal", "target_label": "missing"}, None),
        ({"a": "x"}, {"target_label": "b", "replacement": "$$1"}, {"a": "x", "b": "$1"}),
        ({"a": "x"}, {"source_labels": ["a"], "regex": "(?P<n>.)", "target_label": "b", "replacement": "${n}$1z"},
         {"a": "x", "b": "x"}),
        ({"a": "x"}, {"target_label": "a", "replacement": ""}, {}),
    ],
)  # fmt: skip
def test_one_step(labels: dict[str, str], config: dict[str, Any], expected: dict[str, str] | None) -> None:
    assert relabelled(labels, config) == expected


def test_steps_follow_each_other_and_nothing_follows_a_drop() -> None:
    assert relabelled(
        {"a": "foo"},
        {"source_labels": ["a"], "target_label": "b"},
        {"source_labels": ["b"], "regex": "f(.*)", "target_label": "c"},
        {"regex": "a|b", "action": "labeldrop"},
    ) == {"c": "oo"}
    drop = {"source_labels": ["a"], "regex": "foo", "action": "drop"}
    assert relabelled({"a": "foo"}, drop, {"target_label": "a", "replacement": "b"}) is None


def test_without_steps_only_labels_without_value_go() -> None:
    assert relabelled({"a": "foo", "b": ""}) == {"a": "foo"}
    assert not Relabelling(())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"action": "replace"}, "`replace` needs a `target_label`"),
        ({"action": "lowercase"}, "`lowercase` needs a `target_label`"),
        ({"action": "hashmod", "target_label": "a"}, "`hashmod` needs a `modulus`"),
        ({"action": "uppercase", "target_label": "a", "replacement": "x"}, "`replacement` means nothing"),
        ({"action": "keepequal", "target_label": "a", "regex": "x"}, "`regex` means nothing to `keepequal`"),
        ({"action": "labeldrop", "source_labels": ["a"]}, "`source_labels` means nothing"),
        ({"action": "labelmap", "replacement": "1-${1}"}, "does not become a label name"),
        ({"target_label": "0${1}"}, "does not become a label name"),
        ({"action": "lowercase", "target_label": "${1}"}, "is not a label name"),
        ({"target_label": "a", "regex": "("}, "error parsing regexp"),
        ({"action": "explode"}, "Input should be"),
    ],
)
def test_what_prometheus_refuses_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RelabelConfig.model_validate(config)
