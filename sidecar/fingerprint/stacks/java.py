"""Stack traces of Java and other languages of its virtual machine: innermost call first, causes after."""

import re
from collections.abc import Iterator

from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct

_LINE = re.compile(
    r"""^(?P<indent>[ \t]*+)(?:
    at\ (?:[\w.@$-]*+/){0,2}(?P<class>[\w.$/\ -]+?)\.(?P<method>[\w$<>-]++)\(
        (?P<source>[\w$.-]+\.(?:java|kt|scala|groovy|clj)(?::\d+)?|[\w$]+:\d+
        |Native\ Method|Unknown\ Source|<generated>)\)
    |Caused\ by:\ (?P<cause>[\w.$]++))""",
    re.MULTILINE | re.VERBOSE,
)
_FIRST = re.compile(r'\s*+(?:Exception in thread "[^"\n]*+" )?(?P<type>[\w.$]++)')
_GENERATED_CLASS = re.compile(r"\$\$.*|/.*|_\$\$_.*|\$\d+(?=\$|$)|(?<=Proxy)\d+|(?<=Accessor)\d+")
_LAMBDA = re.compile(r"lambda\$(.*?)\$\d+$")
_LIBRARIES = re.compile(
    r"(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|akka|groovy|clojure|jakarta|io\.netty|io\.grpc|io\.opentelemetry"
    r"|io\.micrometer|io\.micronaut|io\.quarkus|io\.undertow|io\.vertx|reactor|rx|okhttp3|retrofit2|lombok|graphql"
    r"|ch\.qos|com\.fasterxml|com\.google|com\.mysql|com\.zaxxer|com\.amazonaws|software\.amazon|com\.netflix|feign"
    r"|org\.(?:springframework|apache|hibernate|postgresql|eclipse|jboss|junit|mockito|slf4j|aspectj|glassfish"
    r"|mongodb|redisson|jooq|flywaydb|thymeleaf|gradle|codehaus))\."
)


def chain_of(text: str) -> Chain:
    """Return the exceptions of a stack trace, the outermost first; suppressed ones are left out."""
    first = _FIRST.match(text)
    name, frames = first["type"] if first else "", list[Frame]()
    depth: str | None = None
    found: list[Thrown] = []
    for match in _LINE.finditer(text):
        if match["cause"] and not match["indent"]:
            found.append(Thrown(name, distinct(frames)))
            name, frames = match["cause"], []
        elif match["class"]:
            depth = match["indent"] if depth is None else depth
            if match["indent"] == depth:  # those of suppressed exceptions are further in
                frames.extend(_frames(match["class"], match["method"], match["source"]))
    return (*found, Thrown(name, distinct(frames)))


def _frames(class_name: str, method: str, source: str) -> Iterator[Frame]:
    """Yield the call, unless it is that of a proxy class made at run time, of which not every run has as many."""
    if source == "<generated>":
        return
    place = _GENERATED_CLASS.sub("", class_name)
    yield Frame(place, _LAMBDA.sub(r"lambda$\1", method), not _LIBRARIES.match(place) and "$Proxy" not in place)
