"""Variables in a configuration: what is replaced, and that nothing which looks like one stays silently."""

import pytest
from pydantic import Field

from sidecar.model.config import Config
from sidecar.model.errors import ConfigError
from sidecar.model.variable import substitute
from sidecar.model.yaml.config import read_config

ENV = {"HOST": "db", "EMPTY": "", "V": "v", "_x9": "u"}


class Root(Config):
    """A root with texts."""

    job: str = ""
    labels: dict[str, str] = Field({})


def problem_of(text: str, **env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(Root, "f.yaml", text, env)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${HOST}:1", "db:1"),
        ("${_x9}${V}", "uv"),
        ("${NO:-x y}", "x y"),
        ("${EMPTY:-x}", "x"),
        ("${NO:-}", ""),
        ("${NO:-a:-b$c}", "a:-b$c"),
        ("${NO:-pa$$word}", "pa$word"),
        ("${NO:-$$V}$$", "$V$"),
        ("${V:-$$}", "v"),
        ("$$", "$"),
        ("$${HOST}", "${HOST}"),
        ("$$$${V}", "$${V}"),
        ("$$${V}", "$v"),
        ("$$V", "$V"),
        ("^a$", "^a$"),
        ("pa$word", "pa$word"),
        ("$1-$2", "$1-$2"),
        ("http://$V", "http://$V"),
        ("$", "$"),
        ("}{", "}{"),
    ],
)
def test_a_reference_is_replaced_and_any_other_dollar_stays(text: str, expected: str) -> None:
    assert substitute(text, ENV) == (expected, ())


@pytest.mark.parametrize(
    ("text", "offset", "shown"),
    [
        ("${POD-NAME}", 0, "`${POD-NAME}`"),
        ("${V-x}", 0, "`${V-x}`"),
        ("${V:?secret err}", 0, "`${V:?...}`"),
        ("a${V:=secret.}", 1, "`${V:=...}`"),
        ("${V:+secret x}", 0, "`${V:+...}`"),
        ("${V", 0, "`${V`"),
        ("${V:-secret", 0, "`${V:-...`"),
        ("${V}${", 4, "`${`"),
        ("${A:-${B}}", 0, "`${A:-...}`"),
        ('${A:-{"secret": 1}}', 0, "`${A:-...}`"),
        ("${}", 0, "`${}`"),
        ("${ V }", 0, "`${ V }`"),
        ("${1}", 0, "`${1}`"),
        ("${V!}", 0, "`${V!}`"),
        ("${V:secret}", 0, "`${V:secret}`"),
        ("${V:-x\ny", 0, "`${V:-...`"),
        ("${é}", 0, "`${é}`"),
        ("${#V}", 0, "`${#V}`"),
        ("${V%%secret}", 0, "`${V%%...}`"),
        ("${V[0]}", 0, "`${V[...}`"),
        ("${env:V}", 0, "`${env:V}`"),
        ("${NO}", 0, "`NO` is not set"),
        ("${EMPTY}", 0, "`EMPTY` is empty"),
        ("$HOST", 0, "`$HOST` is no reference; write `${HOST}`"),
        ("a${NO:-$HOST}", 1, "`${NO:-...}`: its default is nothing but `$` and a name"),
        ("${V:-$HOST}", 0, "`${V:-...}`: its default is nothing but `$` and a name"),
    ],
)
def test_what_looks_like_a_reference_and_is_none_is_told(text: str, offset: int, shown: str) -> None:
    (mistake,) = substitute(text, ENV).mistakes
    assert mistake.offset == offset
    assert shown in mistake.message
    assert "secret" not in mistake.message.replace("V:secret", "")


def test_every_mistake_of_a_value_is_told_and_a_long_one_is_cut() -> None:
    assert [mistake.offset for mistake in substitute("${A}-${B}-${C-}", {}).mistakes] == [0, 5, 10]
    assert len(substitute("${" + "x" * 9000, {}).mistakes[0].message) < 200


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("job: ${V-x}\n", "1:6"),
        ("job: 'a ${V-x}'\n", "1:9"),
        ('job: "\\t\\"a ${V-x}"\n', "1:13"),
        ("job: 'it''s ${V-x}'\n", "1:13"),
        ("job: |\n  a\n  b ${V-x}\n", "3:5"),
        ("job: >-\n\n    a\n    ${V-x}\n", "4:5"),
        ("job: a\n  b ${V-x}\n", "2:5"),
        ('job: "a\n\n  ${V-x}"\n', "3:3"),
        ("labels: {a: b, c: 'x${V-x}'}\n", "1:21"),
        ("labels:\n  ${V}: x\n", "2:3"),
        ("labels: {'${V}': x}\n", "1:10"),
        ("job: '${V:-a'\n", "1:7"),
        ("job: &a ${V-x}\nlabels: {b: c}\n", "1:9"),
        ("job: !!str ${V-x}\n", "1:12"),
        ("job: !!str\n  &a '${V-x}'\n", "2:7"),
        ("job: &a |2 # c\n  ${V-x}\n", "2:3"),
        ('job: "\\x41\\u0041 \\U00000041\\n\\_\\\n  b ${V-x}"\n', "2:5"),
        ("job: é ${V-x}\n", "1:8"),
    ],
)
def test_a_mistake_is_told_where_the_reference_begins(text: str, place: str) -> None:
    assert problem_of(text, V="v").startswith(f"f.yaml:{place}: ")


def test_nothing_is_read_in_comments() -> None:
    text = "# ${V-x} ${\njob: a # ${NO} $${\n#${\n"
    assert read_config(Root, "f.yaml", text, {}).config.job == "a"


def test_the_text_of_a_variable_is_not_read_again() -> None:
    assert read_config(Root, "f.yaml", "job: ${V}\n", {"V": "${NO} $$ ${"}).config.job == "${NO} $$ ${"
