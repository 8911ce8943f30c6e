"""Reading configuration: every mistake at its place, secrets nowhere, variables replaced."""

from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field, SecretStr

from sidecar.model.config import Config
from sidecar.model.errors import ConfigError
from sidecar.model.yaml import text as yaml_text
from sidecar.model.yaml.config import read_config


class Database(Config):
    """A part with a secret and a limit."""

    dsn: SecretStr
    timeout_seconds: float = Field(5, gt=0)


class Circle(Config):
    """One kind of shape."""

    kind: Literal["circle"]
    radius: float = Field(1, gt=0)


class Square(Config):
    """Another kind of shape."""

    kind: Literal["square"]
    side: int = 1


Shape = Annotated[Circle | Square, Field(discriminator="kind")]


class Root(Config):
    """A root with a list of parts."""

    job: str = "sidecar"
    comment: str | None = "none"
    enabled: bool = False
    databases: tuple[Database, ...] = ()
    shapes: tuple[Shape, ...] = ()
    labels: dict[str, str] = Field({})


@pytest.fixture(params=["CBaseLoader", "BaseLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the test run with each of PyYAML's two parsers."""
    monkeypatch.setattr(yaml_text, "_PARSER", getattr(yaml, request.param))


def config_of(text: str, **env: str) -> Root:
    return read_config(Root, "sidecar.yaml", text, env).config


def problems_of(text: str, **env: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_config(Root, "sidecar.yaml", text, env)
    return str(caught.value).splitlines()


def test_all_mistakes_of_a_file_are_reported_at_once_in_reading_order() -> None:
    text = "databases:\n  - dsn: ${DSN}\n    timeout_second: 3\n  - timeout_seconds: -1\njobs: x\n"
    assert problems_of(text, DSN="postgres://u:canary@h/d") == [
        "sidecar.yaml:3:5: unknown key `databases.0.timeout_second`; did you mean `timeout_seconds`?",
        "sidecar.yaml:4:5: `databases.1.dsn`: field required",
        "sidecar.yaml:4:22: `databases.1.timeout_seconds`: input should be greater than 0",
        "sidecar.yaml:5:1: unknown key `jobs`; did you mean `job`?",
    ]


def test_a_secret_of_the_wrong_shape_is_not_repeated_in_the_error() -> None:
    assert "canary" not in "".join(problems_of("databases: [{dsn: [canary]}]"))


def test_text_that_is_not_yaml_is_reported_where_it_breaks() -> None:
    (problem,) = problems_of("job: [a\nb: c\n")
    assert problem.startswith("sidecar.yaml:2:2: not valid YAML: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\tjob: a\n", "1:1"),
        ("job: a\nx: *nobody\n", "2:4"),
        ("job: a\n---\njob: b\n", "2:1"),
        ("job: a\nx: \x00\n", "2:4"),
        ("job: a\r\nx: é\x1b[1m\n", "2:5"),
        ("{{[1]: 2}: 3}\n", "1:2"),
        ("? [a, b]\n: c\n", "1:3"),
        ("job: !!int abc\n", "1:6"),
        ("job: !mine x\n", "1:6"),
        ("job: !!binary x\n", "1:6"),
        ("databases: !!python/tuple [a]\n", "1:12"),
        ("databases: &a [*a]\n", "1:12"),
        ("databases: &a {<<: *a}\n", "1:16"),
        ("databases: {<<: [3]}\n", "1:18"),
        ("job: " + "[" * 900 + "]" * 900, "1:69"),
        ("- " * 900 + "a", "1:129"),
        ('"a\\nb": c\n', "1:1"),
    ],
)
def test_what_no_configuration_can_be_is_one_line_with_its_place(text: str, place: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(f"sidecar.yaml:{place}: ")
    assert "Node(" not in problem


def test_aliases_cannot_make_a_configuration_endless_or_deep() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 12)]
    assert "more than 100000 values" in problems_of("\n".join(lines))[0]
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]
    assert "nested more than 64 levels deep" in problems_of("\n".join(lines))[0]


@pytest.mark.parametrize("text", ["- a\n", "a\n", "[]\n"])
def test_a_root_that_is_not_a_mapping_is_refused(text: str) -> None:
    assert problems_of(text) == ["sidecar.yaml:1:1: `configuration`: should be a mapping of keys to values"]


def test_a_key_given_twice_is_an_error() -> None:
    assert problems_of("job: a\njob: b\n") == ["sidecar.yaml:2:1: key `job` is given twice"]


def test_an_unset_variable_without_default_is_an_error_at_its_place() -> None:
    assert problems_of("job: ${NAME}\n") == [
        "sidecar.yaml:1:6: environment variable `NAME` is not set; `${NAME:-default}` gives a default"
    ]


def test_variables_are_replaced_after_parsing_so_their_text_cannot_change_the_structure() -> None:
    config = read_config(Root, "f", "job: ${JOB}\n", {"JOB": "a: [b"}).config
    assert config.job == "a: [b"


def test_a_replaced_number_is_a_number_and_a_doubled_dollar_is_a_dollar() -> None:
    text = "job: a$$b\ndatabases:\n  - dsn: ${DSN:-x}\n    timeout_seconds: ${T}\n"
    config = read_config(Root, "f", text, {"T": "2.5"}).config
    assert (config.job, config.databases[0].timeout_seconds) == ("a$b", 2.5)
    assert config.databases[0].dsn.get_secret_value() == "x"


def test_an_empty_file_is_the_default_configuration() -> None:
    assert read_config(Root, "f", "", {}).config == Root()


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    assert config_of("\ufeffjob: a\n").job == "a"


def test_a_merged_key_may_be_given_again_and_the_nearest_wins() -> None:
    text = """
databases:
  - &base {dsn: x, timeout_seconds: 1}
  - {<<: *base, timeout_seconds: 2}
  - {timeout_seconds: 3, <<: [{dsn: y}, *base]}
  - *base
"""
    databases = [(item.dsn.get_secret_value(), item.timeout_seconds) for item in config_of(text).databases]
    assert databases == [("x", 1), ("x", 2), ("y", 3), ("x", 1)]


@pytest.mark.parametrize(
    ("labels", "merged"),
    [
        ("{<<: *mid, own: x}", {"base": "b", "mid": "m", "own": "x"}),
        ("{<<: [{team: first}, {team: second}]}", {"team": "first"}),
        ("{<<: [*mid, {base: later}]}", {"base": "b", "mid": "m"}),
    ],
)
def test_merges_are_read_as_in_rule_files(labels: str, merged: dict[str, str]) -> None:
    text = f"labels: {labels}\n".replace("*mid", "{<<: {base: b}, mid: m}")
    assert config_of(text).labels == merged


def test_an_anchor_may_be_given_again_and_the_last_one_counts() -> None:
    assert config_of("job: &a x\nlabels: {b: *a, c: &a y, d: *a}\n").labels == {"b": "x", "c": "y", "d": "y"}


@pytest.mark.parametrize("text", ["labels: {<<: 5}", "labels: {<<: }", "labels: {<<: {a: b}, <<: {c: d}}"])
def test_a_merge_that_is_none_is_refused(text: str) -> None:
    (problem,) = problems_of(text)
    assert "`<<`" in problem


def test_an_empty_second_document_is_none() -> None:
    assert config_of("job: a\n---\n").job == "a"


def test_a_key_given_twice_in_what_is_merged_is_told_once() -> None:
    assert problems_of("databases:\n  - &a {dsn: x, dsn: y}\n  - {<<: *a, dsn: z}\n  - *a\n") == [
        "sidecar.yaml:2:17: key `dsn` is given twice"
    ]


def test_inside_of_a_union_path_and_place_are_the_users() -> None:
    text = "shapes:\n  - kind: circle\n    radius: -1\n  - kind: square\n    sides: 2\n    side: x\n"
    assert problems_of(text) == [
        "sidecar.yaml:3:13: `shapes.0.radius`: input should be greater than 0",
        "sidecar.yaml:5:5: unknown key `shapes.1.sides`; did you mean `side`?",
        "sidecar.yaml:6:11: `shapes.1.side`: input should be a valid integer, unable to parse string as an integer",
    ]


def test_a_key_called_like_a_tag_of_the_union_is_an_unknown_key() -> None:
    assert problems_of("shapes: [{kind: circle, circle: 1}]\n") == [
        "sidecar.yaml:1:25: unknown key `shapes.0.circle`; known here: kind, radius"
    ]


def test_a_kind_that_is_none_is_told_at_the_kind() -> None:
    assert problems_of("shapes:\n  - radius: 1\n    kind: cube\n") == [
        "sidecar.yaml:3:11: `shapes.0.kind`: `cube` is not one of 'circle', 'square'"
    ]


@pytest.mark.parametrize("value", ["true", "yes", ".inf", ".nan", "inf", "nan", "2024-02-30", "0x_", "'no'", "1:30"])
def test_what_is_not_a_finite_number_is_refused_where_one_is_needed(value: str) -> None:
    (problem,) = problems_of(f"databases: [{{dsn: x, timeout_seconds: {value}}}]\n")
    assert problem.startswith("sidecar.yaml:1:39: `databases.0.timeout_seconds`: input should be a ")


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    (problem,) = problems_of(f"shapes: [{{kind: square, side: {'9' * 5000}}}]\n")
    assert problem.startswith("sidecar.yaml:1:31: `shapes.0.side`: ")
    assert len(problem) < 200


@pytest.mark.parametrize("text", ["no", "0123", "12", "2024-02-30", "0x_", "1_000", "12:30:45", "9" * 5000])
def test_text_stays_as_it_was_written_whatever_it_looks_like(text: str) -> None:
    assert config_of(f"job: {text}\n").job == text
    assert config_of("job: ${V}\n", V=text).job == text


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_number_may_come_from_a_variable_in_any_quotes(quote: str) -> None:
    text = f"databases:\n  - dsn: x\n    timeout_seconds: {quote}${{T}}{quote}\n"
    assert config_of(text, T="2.5").databases[0].timeout_seconds == 2.5


def test_a_plain_value_from_a_variable_is_what_it_would_be_if_written() -> None:
    assert config_of("comment: ${V}\nenabled: ${B}\n", V="null", B="true") == Root(comment=None, enabled=True)
    assert config_of("comment: '${V}'\n", V="null").comment == "null"


def test_a_variable_that_is_set_but_empty_is_told_to_be_empty() -> None:
    assert problems_of("job: ${NAME}\n", NAME="") == [
        "sidecar.yaml:1:6: environment variable `NAME` is empty; `${NAME:-default}` gives a default"
    ]


def test_a_default_is_for_a_variable_that_is_empty_too() -> None:
    assert config_of("job: ${NAME:-x}\n", NAME="").job == "x"


def test_a_plain_value_that_ends_up_empty_is_as_if_it_was_not_given() -> None:
    assert config_of("job: ${NAME:-}\ncomment: ${NAME:-}\nlabels: {a: '${NAME:-}'}\n") == Root(labels={"a": ""})
