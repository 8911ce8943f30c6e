"""Queries that are documents: names stay, values do not, and lists of any length are one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.document import LONGEST, is_document, normalised

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8).map("c4nary {}".format))
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b.c", "$in", "_id"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"entityClass":"TBook","options":{"take":7,"order":{"id":"ASC"}}}',
            '{"entityClass": ?, "options": {"take": ?, "order": {"id": ?}}}',
        ),
        ('{"find": "users", "filter": {"age": {"$in": [1, 2, 3]}}}', '{"find": ?, "filter": {"age": {"$in": [?]}}}'),
        ('{"docs": [{"a": 1}, {"a": "x"}, {"a": null, "b": 2}]}', '{"docs": [{"a": ?}, {"a": ?, "b": ?}]}'),
        ('{"index":{}}\n{"a":1}\n{"index":{}}\n{"a":2}\n', '{"index": {}} {"a": ?}'),
        ('{_id: ObjectId("5f"), at: new Date(1, 2)}', '{"_id": ?, "at": ?}'),
        ("{'name': 'it\\'s', 'x': 1}", '{"name": ?, "x": ?}'),
        ('{"4711": 1, "a b": 2}', "{?: ?}"),
        ('{"a": "open', '{"a": ?}'),
        ('{"a":::1}}]}, "b": 2', '{"a": ?} "b": ?'),
        ("[", "[]"),
        ("[" * 200 + "1" + "]" * 200, "[" * 100 + "?" + "]" * 100),
    ],
)
def test_a_document_has_a_normal_form(text: str, expected: str) -> None:
    assert normalised(text) == expected


def test_a_list_of_any_length_is_one_with_what_comes_after_it() -> None:
    def search(count: int) -> str:
        return json.dumps({"query": {"terms": {"id": [*range(count)], "tag": ["x"] * count}}, "size": 10})

    assert len(search(5000)) > LONGEST
    assert normalised(search(5000)) == normalised(search(1))
    assert normalised(json.dumps({"docs": [{"a": [1], "b": "x"}] * 5000})) == normalised(
        '{"docs": [{"a": [1], "b": ""}]}'
    )


@given(DOCUMENTS)
def test_no_value_is_kept(document: object) -> None:
    text = json.dumps(document)
    if is_document(text):
        found = normalised(text)
        assert "c4nary" not in found
        assert not any(sign.isdecimal() for sign in found)


@given(st.text(alphabet="{}[]():,\"'\\a1 ?\n", max_size=80))
def test_any_text_is_taken(text: str) -> None:
    assert "1" not in normalised(text).replace("a1", "").replace("1a", "")
