"""What a template is made of; the text of a node is what Go's messages show of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from typing_extensions import override


@dataclass(slots=True)
class Node:
    """A part of a template that begins at the character `position`."""

    position: int


@dataclass(slots=True)
class Literal(Node):
    """A string, as `value`, or true or false."""

    written: str
    value: str | bool

    @override
    def __str__(self) -> str:
        return self.written


@dataclass(slots=True)
class Number(Node):
    """A number, as every kind of number that it can be."""

    written: str
    integer: int | None = None
    real: float | None = None
    complex_number: complex | None = None

    @override
    def __str__(self) -> str:
        return self.written


@dataclass(slots=True)
class Nil(Node):
    """The word `nil`."""

    @override
    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Dot(Node):
    """The dot."""

    @override
    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Identifier(Node):
    """The name of a function."""

    name: str

    @override
    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Field(Node):
    """Fields of the dot."""

    names: tuple[str, ...]

    @override
    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Variable(Node):
    """A variable, and fields of it."""

    name: str
    names: tuple[str, ...] = ()

    @override
    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


@dataclass(slots=True)
class Chain(Node):
    """Fields of anything else."""

    node: "Operand"
    names: tuple[str, ...]

    @override
    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Command(Node):
    """A function with its arguments, or one operand."""

    operands: "list[Operand]" = field(default_factory=list)

    @override
    def __str__(self) -> str:
        return " ".join(f"({operand})" if isinstance(operand, Pipe) else str(operand) for operand in self.operands)


@dataclass(slots=True)
class Pipe(Node):
    """Commands, each of which gets the result of the one before, and the variables that get the last one's."""

    declared: list[Variable] = field(default_factory=list)
    is_assignment: bool = False
    commands: list[Command] = field(default_factory=list)

    @override
    def __str__(self) -> str:
        names = ", ".join(str(variable) for variable in self.declared)
        return f"{names} := " * bool(names) + " | ".join(str(command) for command in self.commands)


@dataclass(slots=True)
class Text(Node):
    """Text outside of actions."""

    text: str

    @override
    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Action(Node):
    """A pipe whose result is shown, unless it is assigned."""

    pipe: Pipe

    @override
    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True)
class Branch(Node):
    """An `if`, `with` or `range`."""

    word: str
    pipe: Pipe
    body: "Body"
    otherwise: "Body | None"

    @override
    def __str__(self) -> str:
        text = f"{{{{{self.word} {self.pipe}}}}}{shown(self.body)}"
        return (
            f"{text}{{{{else}}}}{shown(self.otherwise)}{{{{end}}}}"
            if self.otherwise is not None
            else f"{text}{{{{end}}}}"
        )


@dataclass(slots=True)
class Jump(Node):
    """A `break` or `continue`."""

    word: str

    @override
    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(slots=True)
class TemplateCall(Node):
    """The expansion of a named template."""

    name: str
    quoted: str
    pipe: Pipe | None

    @override
    def __str__(self) -> str:
        return f"{{{{template {self.quoted}{f' {self.pipe}' if self.pipe else ''}}}}}"


Operand: TypeAlias = Literal | Number | Nil | Dot | Identifier | Field | Variable | Chain | Pipe
Statement: TypeAlias = Text | Action | Branch | Jump | TemplateCall
Body: TypeAlias = Sequence[Statement]


def shown(body: Body) -> str:
    """Return the text of several statements."""
    return "".join(str(statement) for statement in body)
