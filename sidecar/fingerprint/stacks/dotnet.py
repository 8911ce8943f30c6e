"""Stack traces of .NET, as Exception.ToString() has them: innermost call first, calls of a cause before those after."""

import re

from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct

_CALL = re.compile(
    r"^[ \t]++at (?P<method>[^\n(]*[^\s(]\([^:\n]*?\))(?: in [^\n]+:line \d+)?(?:<---)?[ \t\r]*$", re.MULTILINE
)
_CAUSE = re.compile(r"\s-+> (?!\(Inner)")
_TYPE = re.compile(r"\s*+(?P<type>[^\W\d][\w.+`]*+)")
_END_OF_CAUSE = re.compile(r"^[ \t]*+--- End of inner exc[^\n]*+$", re.MULTILINE)
_MEMBER = re.compile(r"^[ \t]*+-+> \(Inner Exception #\d++\) ", re.MULTILINE)
_ARGUMENTS = re.compile(r"`\d++|\[[^\]]*+\]|\(.*")
_COMPILED = re.compile(r"\.<(?P<method>[^<>]+)>d(?:__\d+)?\.MoveNext$|\.<>c(?:__DisplayClass\w+)?(?=\.)")
_LOCAL = re.compile(r"<(?P<outer>[^<>]*)>(?:g__(?P<local>\w+)\|[\d_]+|b__[\d_]+)$")
_DYNAMIC = re.compile(r"(?<=lambda_method)\d+")
_LIBRARY = re.compile(
    r"(?:System|Microsoft|MS|Internal|Npgsql|StackExchange|OpenTelemetry|Grpc|Polly|MediatR|Dapper|Newtonsoft|Serilog"
    r"|AutoMapper|FluentValidation|MySql|MySqlConnector|MongoDB|RabbitMQ|Confluent|Azure|Amazon|Google|Castle|NHibernate"
    r"|MassTransit|Autofac|Hangfire|Quartz|lambda_method)\b"
)


def chain_of(text: str) -> Chain:
    """Return the exceptions, the outermost first; those of an AggregateException are its members."""
    main, *others = _MEMBER.split(text)
    chain = _chain(main)
    members = tuple(thrown for other in others for thrown in _chain(other)[:1])
    if members and chain:
        return (chain[0]._replace(members=(*chain[1:2], *members)),)
    return chain


def _chain(text: str) -> Chain:
    first = _CALL.search(text)
    heads = _CAUSE.split(text[: first.start()] if first else text)
    calls = _END_OF_CAUSE.split(text[first.start() :] if first else "")[::-1]
    return tuple(
        Thrown(_type_of(head), distinct(_frame(call["method"]) for call in _CALL.finditer(calls[number])))
        for number, head in enumerate(heads[: len(calls)])
    )


def _type_of(head: str) -> str:
    match = _TYPE.match(head)
    return match["type"] if match else ""


def _frame(method: str) -> Frame:
    call = _DYNAMIC.sub("", _ARGUMENTS.sub("", method))
    place, _, function = _COMPILED.sub(lambda found: f".{found['method']}" if found["method"] else "", call).rpartition(
        "."
    )
    return Frame(place, _LOCAL.sub(lambda found: found["local"] or found["outer"], function), not _LIBRARY.match(call))
