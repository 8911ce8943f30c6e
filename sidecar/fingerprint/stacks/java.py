"""Stack traces of Java and other languages of its virtual machine: innermost call first, causes after."""

import re

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.code import Grammar
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_SOURCE = r"""(?:[\w$.-]+\.(?:java|kts?|scala|sc|groovy|gradle|cljc?|rb)(?::-?\d+)?|[\w$]+:\d+
        |Native\ Method|Unknown\ Source
        |<generated>|SourceFile(?::\d+)?)"""
_CALL = rf"at\ (?:[\w.@-]*+/){{0,2}}(?P<class>[\w.$/\ -]+?)\.(?P<method>[\w$<>-]++)\((?P<source>{_SOURCE})\)"
_LINE = re.compile(
    rf"^(?P<indent>[ \t]*+)(?:{_CALL}|Caused\ by:\ (?P<cause>[\w.$]++))",
    re.MULTILINE | re.VERBOSE,
)
_LINES = Lines(
    re.compile(r'(?:Exception in thread "[^"\n]*" )?[\w.$]+(?::|\s*$)'),
    re.compile(rf"[ \t]+{_CALL}(?:\s~?\[[^\]\n]*\])?\s*$", re.VERBOSE),
    re.compile(r"[ \t]*(?:Caused by|Suppressed): [\w.$]+(?::|\s*$)"),
    re.compile(r"\s*(?:\.\.\. \d+ (?:more|common frames omitted)|\[CIRCULAR REFERENCE: ?.*)\s*$"),
)
_FIRST = re.compile(r'\s*+(?:Exception in thread "[^"\n]*+" )?(?P<type>[\w.$]++)')
_GRAMMAR = Grammar(re.compile(r"(?:[^\W\d][\w$-]*\.)*[^\W\d][\w$-]*"), re.compile(r"\$?[^\W\d][\w$-]*|<(?:cl)?init>"))
_MADE_CLASS = re.compile(
    r"\$\$(?!anonfun|inlined).*|[/ ].*|_\$\$_.*"
    r"|\$(?:HibernateProxy|HibernateInstantiator|HibernateAccessOptimizer|HibernateBasicProxy|ByteBuddy|MockitoMock"
    r"|MockitoProxy|auxiliary|KotlinMock|Subclass\d*|MockK?Proxy|Intercepted|Definition|Proxy\$_)(?:\$.*|$)"
    r"|_(?:ClientProxy|Subclass|Bean)$|\$(?=\w*\d)(?=\w*[a-z])(?=\w*[A-Z])\w{8}$|\$\d[\w$]*?(?=\$[^\W\d]|$)"
    r"|(?<=Proxy)\d+|(?<=Accessor)\d+|(?:__|(?<=\$eval)|(?<=_closure)|(?<=_lambda))\d+(?=\$|$)"
)
"""What tells a class that is made at run time, which is another in each process, from the one it stands for."""
_ORDINAL = re.compile(r"\$(?:\d+|adapted|default|lambda(?:-\d+)?)(?=\$|$)")
_CLOSURE = re.compile(r"lambda\$|\$anonfun\$|.*\$lambda(?:[$-]|$)|lambda\d|__clr|_closure|invokeSuspend$")
_LIBRARIES = re.compile(
    r"(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|akka|groovy|clojure|jakarta|io\.netty|io\.grpc|io\.opentelemetry"
    r"|io\.micrometer|io\.micronaut|io\.quarkus|io\.undertow|io\.vertx|io\.ktor|io\.lettuce|reactor|rx|okhttp3|retrofit2"
    r"|lombok|graphql|net\.bytebuddy|net\.sf\.cglib|cats|zio|play|_COROUTINE"
    r"|ch\.qos|com\.fasterxml|com\.google|com\.mysql|com\.zaxxer|com\.amazonaws|software\.amazon|com\.netflix|feign"
    r"|org\.(?:springframework|apache|hibernate|postgresql|eclipse|jboss|junit|mockito|slf4j|aspectj|glassfish"
    r"|mongodb|redisson|jooq|flywaydb|thymeleaf|gradle|codehaus|jruby|scalatest|http4s|javassist))\."
)


def chain_of(text: str) -> Chain:
    """Return the exceptions of a stack trace, the outermost first; suppressed ones are left out."""
    first = _FIRST.match(text)
    name, frames = first["type"] if first else "", list[Frame | None]()
    depth: str | None = None
    found: list[Thrown] = []
    for match in _LINE.finditer(text):
        if match["cause"] and not match["indent"]:
            found.append(Thrown(name, distinct(frames)))
            name, frames = match["cause"], []
        elif match["class"]:
            depth = match["indent"] if depth is None else depth
            if match["indent"] == depth:  # those of suppressed exceptions are further in
                frames.append(_frame(match["class"], match["method"], match["source"]))
    return (*found, Thrown(name, distinct(frames)))


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    return _LINES.account_for(text)


@remembered
def _frame(class_name: str, method: str, source: str) -> Frame | None:
    """Return the call, unless it is that of a proxy class made at run time, of which not every run has as many."""
    if source == "<generated>" or "$$Lambda" in class_name:
        return None
    place = _MADE_CLASS.sub("", class_name)
    names = _GRAMMAR.names(place, _ORDINAL.sub("", method))
    in_app = not _LIBRARIES.match(f"{place}.") and "$Proxy" not in place
    return names and Frame(*names, in_app, not _CLOSURE.match(method))
