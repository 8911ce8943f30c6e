"""Reading configuration: every mistake at its place, secrets nowhere, variables replaced."""

import pytest
from pydantic import Field, SecretStr

from sidecar.model.config import Config, read_config
from sidecar.model.errors import ConfigError


class Database(Config):
    """A part with a secret and a limit."""

    dsn: SecretStr
    timeout_seconds: float = Field(5, gt=0)


class Root(Config):
    """A root with a list of parts."""

    job: str = "sidecar"
    databases: tuple[Database, ...] = ()


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
    assert problems_of("job: [a\nb: c\n") == ["sidecar.yaml:2:2: not valid YAML: did not find expected ',' or ']'"]


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
