"""Expands a parsed template, with the values and the errors of Go."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sidecar.rules.gotemplate.errors import CallError, ExecutionError
from sidecar.rules.gotemplate.fmt import sprint
from sidecar.rules.gotemplate.function import ANY, INTEGERS, Function, Functions, can_be_nil, fitting
from sidecar.rules.gotemplate.nodes import (
    Action,
    Body,
    Branch,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Jump,
    Literal,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    TemplateCall,
    Text,
    Variable,
)
from sidecar.rules.gotemplate.parse import Parsed
from sidecar.rules.gotemplate.strings import quoted
from sidecar.rules.gotemplate.values import (
    MISSING,
    GoMap,
    Named,
    Opaque,
    Slice,
    Struct,
    Value,
    is_true,
    pointed_to,
    type_of,
)

MAX_DEPTH = 50
"""How deep templates call templates. Go says 100,000, which Python's stack cannot; nobody means a tenth of this."""

MAX_LENGTH = 1_000_000
"""The longest text that a template may become, in characters: a loop in a loop must not fill the memory."""

MAX_ROUNDS = 100_000
"""How often all loops of an expansion go round: some loops in each other would never end."""


def execute(parsed: Parsed, functions: Functions, dot: Value) -> str:
    """Return what `parsed` becomes for `dot`; raise ExecutionError with Go's message."""
    output = _Output()
    _State(parsed, functions, output, parsed.name, dot, 0).walk(dot, parsed.body)
    return "".join(output.parts)


class _Output:
    """What was written, and how often a loop went round."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.rounds = 0


class _JumpError(Exception):
    """A `break` or `continue` on its way to its `range`."""

    def __init__(self, word: str) -> None:
        self.word = word


class _State:
    """One expansion of one template: its variables, and the node that an error is told at."""

    def __init__(
        self, parsed: Parsed, functions: Functions, output: _Output, name: str, dot: Value, depth: int
    ) -> None:
        self._parsed = parsed
        self._functions = functions
        self._output = output
        self._name = name
        self._depth = depth
        self._variables: list[tuple[str, Value]] = [("$", dot)]
        self._node: Node | None = None

    def walk(self, dot: Value, body: Body) -> None:
        """Write what the statements become."""
        for statement in body:
            if isinstance(statement, Text):
                self._write(statement.text)
            elif isinstance(statement, Action):
                self._node = statement
                value = self._pipe(dot, statement.pipe)
                if not statement.pipe.declared:
                    self._node = statement
                    self._write("<no value>" if value is None else sprint([pointed_to(value)]))
            elif isinstance(statement, Branch):
                self._node = statement
                (self._range if statement.word == "range" else self._branch)(dot, statement)
            elif isinstance(statement, Jump):
                self._node = statement
                raise _JumpError(statement.word)
            else:
                self._call_template(dot, statement)

    def _write(self, text: str) -> None:
        self._output.length += len(text)
        if self._output.length > MAX_LENGTH:
            raise self._failure(f"the text is longer than {MAX_LENGTH} characters")
        self._output.parts.append(text)

    def _failure(self, message: str) -> ExecutionError:
        """Return the error at the node that is expanded now."""
        node = self._node
        if node is None:
            return ExecutionError(f"template: {self._name}: {message}")
        before = self._parsed.text[: node.position].encode("utf-8", "replace").split(b"\n")
        place = f"{self._parsed.name}:{len(before)}:{len(before[-1])}"
        return ExecutionError(f"template: {place}: executing {quoted(self._name)} at <{node}>: {message}")

    def _branch(self, dot: Value, branch: Branch) -> None:
        count = len(self._variables)
        value = self._pipe(dot, branch.pipe)
        if is_true(value):
            self.walk(value if branch.word == "with" else dot, branch.body)
        elif branch.otherwise is not None:
            self.walk(dot, branch.otherwise)
        del self._variables[count:]

    def _range(self, dot: Value, branch: Branch) -> None:
        count = len(self._variables)
        value = self._pipe(dot, branch.pipe)
        if value is not None and not isinstance(value, GoMap | Slice):
            raise self._failure(f"range can't iterate over {sprint([pointed_to(value)])}")
        mark = len(self._variables)
        for key, item in _items(value):
            self._output.rounds += 1
            if self._output.rounds > MAX_ROUNDS:
                raise self._failure(f"loops go round more than {MAX_ROUNDS} times")
            self._set_loop_variables(branch.pipe, key, item)
            try:
                self.walk(item, branch.body)
            except _JumpError as jump:
                if jump.word == "break":
                    break
            finally:
                del self._variables[mark:]
        if not value and branch.otherwise is not None:
            self.walk(dot, branch.otherwise)
        del self._variables[count:]

    def _set_loop_variables(self, pipe: Pipe, key: Value, item: Value) -> None:
        values = (item,) if len(pipe.declared) == 1 else (key, item)
        for variable, value in zip(pipe.declared, values, strict=False):
            self._set(variable.name, value)

    def _call_template(self, dot: Value, statement: TemplateCall) -> None:
        self._node = statement
        body = self._parsed.body if statement.name == self._parsed.name else self._parsed.defined.get(statement.name)
        if body is None:
            raise self._failure(f"template {quoted(statement.name)} not defined")
        if self._depth == MAX_DEPTH:
            raise self._failure("exceeded maximum template depth (100000)")
        value = None if statement.pipe is None else self._pipe(dot, statement.pipe)
        _State(self._parsed, self._functions, self._output, statement.name, value, self._depth + 1).walk(value, body)

    def _pipe(self, dot: Value, pipe: Pipe) -> Value:
        self._node = pipe
        value: Value = MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
        for variable in pipe.declared:
            if pipe.is_assignment:
                self._set(variable.name, value)
            else:
                self._variables.append((variable.name, value))
        return value

    def _set(self, name: str, value: Value) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        raise self._failure(f"undefined variable: {name}")

    def _command(self, dot: Value, command: Command, final: Value) -> Value:
        first, operands = command.operands[0], command.operands
        if isinstance(first, Identifier):
            return self._function(dot, first, command, operands, final)
        if isinstance(first, Field | Chain):
            return self._fields(dot, first, operands, final)
        if isinstance(first, Variable) and first.names:
            return self._fields(dot, first, operands, final)
        if not isinstance(first, Pipe):
            self._node = first
        if len(operands) > 1 or final is not MISSING:
            raise self._failure(f"can't give argument to non-function {operands[0]}")
        if isinstance(first, Nil):
            raise self._failure("nil is not a command")
        return self._value(dot, first)

    def _value(self, dot: Value, node: Operand) -> Value:
        """Return an operand that stands for itself."""
        if isinstance(node, Pipe):
            return self._pipe(dot, node)
        self._node = node
        if isinstance(node, Dot):
            return dot
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Variable) and not node.names:
            return self._variable(node.name)
        if isinstance(node, Identifier):
            return self._function(dot, node, node, [], MISSING)
        assert isinstance(node, Field | Variable | Chain)
        return self._fields(dot, node, [], MISSING)

    def _variable(self, name: str) -> Value:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise self._failure(f"undefined variable: {name}")

    def _number(self, node: Number) -> Value:
        if node.complex_number is not None:
            return node.complex_number
        is_character = node.written.startswith("'")
        is_hex = node.written[:2].lower() == "0x" and not any(mark in node.written for mark in "pP")
        if node.real is not None and not is_hex and not is_character and any(mark in node.written for mark in ".eEpP"):
            return node.real
        if node.integer is None or not -(2**63) <= node.integer < 2**63:
            raise self._failure(f"{node.written} overflows int")
        return node.integer

    def _fields(self, dot: Value, node: Field | Variable | Chain, operands: Sequence[Operand], final: Value) -> Value:
        self._node = node
        if isinstance(node, Field):
            receiver = dot
        elif isinstance(node, Variable):
            receiver = self._variable(node.name)
        elif isinstance(node.node, Nil):
            raise self._failure(f"indirection through explicit nil in {node}")
        else:
            receiver = self._value(dot, node.node)
        for name, following in pairwise(node.names):
            element = receiver.element if isinstance(receiver, GoMap) else ""
            receiver = self._field(dot, name, node, [], MISSING, receiver)
            if receiver is None and element == ANY:
                raise self._failure(f"nil pointer evaluating {ANY}.{following}")
        return self._field(dot, node.names[-1], node, operands, final, receiver)

    def _field(
        self, dot: Value, name: str, node: Node, operands: Sequence[Operand], final: Value, receiver: Value
    ) -> Value:
        has_arguments = len(operands) > 1 or final is not MISSING
        if receiver is None:
            return None
        if isinstance(receiver, Opaque | Named):
            method = receiver.method(name)
            if method is not None:
                return self._call(dot, method, node, name, operands, final)
        elif isinstance(receiver, Struct) and name in receiver.fields:
            if has_arguments:
                raise self._failure(f"{name} has arguments but cannot be invoked as function")
            return receiver.fields[name]
        elif isinstance(receiver, GoMap):
            if has_arguments:
                raise self._failure(f"{name} is not a method but has arguments")
            return receiver[name]
        raise self._failure(f"can't evaluate field {name} in type {type_of(receiver)}")

    def _function(self, dot: Value, node: Identifier, place: Node, operands: Sequence[Operand], final: Value) -> Value:
        self._node = node
        function = self._functions.get(node.name)
        if function is None:
            raise self._failure(f"{quoted(node.name)} is not a defined function")
        return self._call(dot, function, place, node.name, operands, final)

    def _call(
        self, dot: Value, function: Function, place: Node, name: str, operands: Sequence[Operand], final: Value
    ) -> Value:
        given = operands[1:]
        count = len(given) + (final is not MISSING)
        self._check_count(function, name, count, len(given))
        types = [_parameter(function, number) for number in range(count)]
        if name in ("and", "or") and function.variadic:
            return self._short_circuit(dot, name, given, final)
        arguments = [self._argument(dot, wanted, node) for wanted, node in zip(types, given, strict=False)]
        if final is not MISSING:
            arguments.append(self._fitting(final, types[-1]))
        try:
            return function.call(*arguments)
        except CallError as error:
            self._node = place
            raise self._failure(f"error calling {name}: {error}") from error

    def _check_count(self, function: Function, name: str, count: int, given: int) -> None:
        wanted = len(function.parameters)
        if function.variadic:
            if count < wanted - 1:
                raise self._failure(f"wrong number of args for {name}: want at least {wanted - 1} got {given}")
        elif count != wanted:
            raise self._failure(f"wrong number of args for {name}: want {wanted} got {count}")
        if function.results > 1:
            raise self._failure(f"can't call method/function {quoted(name)} with {function.results} results")

    def _short_circuit(self, dot: Value, name: str, given: Sequence[Operand], final: Value) -> Value:
        value: Value = None
        for node in given:
            value = self._argument(dot, ANY, node)
            if is_true(value) == (name == "or"):
                return value
        return value if final is MISSING else final

    def _argument(self, dot: Value, wanted: str, node: Operand) -> Value:
        self._node = node
        if isinstance(node, Nil):
            if can_be_nil(wanted):
                return None
            raise self._failure(f"cannot assign nil to {wanted}")
        if not isinstance(node, Literal | Number):
            value = self._value(dot, node)
            return self._fitting(value, wanted)
        if wanted == ANY:
            return self._value(dot, node)
        return self._constant(node, wanted)

    def _constant(self, node: Literal | Number, wanted: str) -> Value:
        if wanted == "string":
            if isinstance(node, Literal) and isinstance(node.value, str):
                return node.value
            raise self._failure(f"expected string; found {node}")
        if wanted in INTEGERS:
            if isinstance(node, Number) and node.integer is not None:
                return node.integer
            raise self._failure(f"expected integer; found {node}")
        raise self._failure(f"can't handle {node} for arg of type {wanted}")

    def _fitting(self, value: Value, wanted: str) -> Value:
        try:
            return fitting(value, wanted)
        except ValueError as error:
            raise self._failure(str(error)) from error


def _parameter(function: Function, number: int) -> str:
    """Return the type of the argument with that number, counting from 0."""
    return function.parameters[min(number, len(function.parameters) - 1)]


def _items(value: GoMap | Slice | None) -> Iterator[tuple[Value, Value]]:
    if isinstance(value, GoMap):
        yield from sorted(value.items())
    elif value is not None:
        yield from enumerate(value)
