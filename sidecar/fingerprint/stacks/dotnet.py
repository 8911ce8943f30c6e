"""Stack traces of .NET, as Exception.ToString() has them: innermost call first, calls of a cause before those after."""

import re

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.code import Grammar
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_CALL = re.compile(
    r"^[ \t]++at (?P<method>[^\n(]*[^\s(]\([^:\n]*?\))(?: \+ 0x[\da-f]+)?(?: in [^\n]+:line \d+)?(?:<---)?[ \t\r]*$",
    re.MULTILINE,
)
_CAUSE = re.compile(r"\s-+> (?!\(Inner)")
_TYPE = re.compile(r"\s*+(?:Unhandled exception\. )?(?P<type>[^\W\d][\w.+`]*+)")
_END_OF_CAUSE = re.compile(r"^[ \t]*+--- End of inner exc[^\n]*+$", re.MULTILINE)
_MEMBER = re.compile(r"^[ \t]*+-+> \(Inner Exception #\d++\) ", re.MULTILINE)
_LINES = Lines(
    re.compile(r"(?:Unhandled exception\. )?[\w.+`]+(?: \(0x[\da-fA-F]+\))?(?::|\s*$)"),
    _CALL,
    re.compile(r"\s*-+> "),
    re.compile(r"\s*--- End of .*---"),
)
_ARGUMENTS = re.compile(r"`\d++|\[[^\]]*+\]|\(.*")
_STATE_MACHINE = re.compile(
    r"\.<(?P<method>(?!>c)[^\n]+?)>d(?:__\d+)?\.MoveNext$|\.VB\$StateMachine_\d+_(?P<basic>\w+)\.MoveNext$"
)
_CLOSURE_CLASS = re.compile(r"\.(?:<>c(?:__DisplayClass\w+)?|_Closure\$__[\w-]*|<>O)(?=\.)")
_LOCAL = re.compile(r"<(?P<outer>.*)>(?:g__(?P<local>\w+)\|[\d_]+|b__[\d_]+)$")
_F_SHARP_LINE = re.compile(r"@\d+(?:-\d+)?\b")
_MADE = re.compile(r"(?<=lambda_method)\d+|(?<=Proxy)_\d+(?=\.|$)|_[\dA-F]{32,64}(?=\.)|<\w+>F[\dA-F]{8,64}__")
_MAIN = re.compile(r"<(Main)>\$|<(Initialize)>")
_NO_NAME = re.compile(r"Main|Initialize|lambda_method|Invoke|")
_GRAMMAR = Grammar(
    re.compile(r"(?:[\w$]+(?:[.+/][\w$]+)*)?|Submission#\d+"), re.compile(r"\.?[^\W\d][\w$]*(?:\.[\w$]+)*")
)
_LIBRARY = re.compile(
    r"(?:System|Microsoft|MS|Internal|Npgsql|StackExchange|OpenTelemetry|Grpc|Polly|MediatR|Dapper|Newtonsoft|Serilog"
    r"|AutoMapper|FluentValidation|MySql|MySqlConnector|MongoDB|RabbitMQ|Confluent|Azure|Amazon|Google|Castle|NHibernate"
    r"|MassTransit|Autofac|Hangfire|Quartz|Moq|NSubstitute|Xunit|NUnit|DynamicClass|ProxyBuilder|lambda_method)\b"
)


def chain_of(text: str) -> Chain:
    """Return the exceptions, the outermost first; those of an AggregateException are its members."""
    main, *others = _MEMBER.split(text)
    chain = _chain(main)
    members = tuple(thrown for other in others for thrown in _chain(other)[:1])
    if members and chain:
        return (chain[0]._replace(members=(*chain[1:2], *members)),)
    return chain


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    return _LINES.account_for(text)


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


@remembered
def _frame(method: str) -> Frame | None:
    call = _F_SHARP_LINE.sub("", _MADE.sub("", _ARGUMENTS.sub("", method)))
    written = _STATE_MACHINE.sub(lambda found: f".{(found['method'] or found['basic']).replace('-', '.')}", call)
    written = _MAIN.sub(r"\1\2", _CLOSURE_CLASS.sub("", written))
    place, dot, function = written.rpartition(".")
    if place.endswith("."):  # .ctor and .cctor
        place, function = place[:-1], dot + function
    local = _LOCAL.match(function)
    names = _GRAMMAR.names(place, (local["local"] or local["outer"]) if local else function)
    is_closure = bool(local and not local["local"])
    return names and Frame(*names, not _LIBRARY.match(call), not is_closure and not _NO_NAME.fullmatch(function))
