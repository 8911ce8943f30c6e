"""From tokens to nodes: accepts what Go's parser accepts, with its messages and the place of each mistake."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from sidecar.rules.gotemplate.errors import TemplateSyntaxError
from sidecar.rules.gotemplate.lex import Kind, Token, tokens_of
from sidecar.rules.gotemplate.nodes import (
    Action,
    Body,
    Branch,
    Chain,
    Command,
    Dot,
    Field,
    Jump,
    Literal,
    Nil,
    Number,
    Operand,
    Pipe,
    Statement,
    TemplateCall,
    Text,
    Variable,
)
from sidecar.rules.gotemplate.strings import quoted, unquoted
from sidecar.rules.gotemplate.terms import TERMS

MAX_DEPTH = 100
"""How deep parentheses and branches nest; Go has no limit, and nobody writes a tenth of this."""

_OPERANDS = frozenset(
    {
        *(Kind.BOOL, Kind.CHARACTER, Kind.DOT, Kind.FIELD, Kind.IDENTIFIER, Kind.NUMBER, Kind.NIL),
        *(Kind.RAW_STRING, Kind.STRING, Kind.VARIABLE, Kind.OPEN),
    }
)
_BLANK = re.compile(r"\s*")


@dataclass(slots=True)
class Parsed:
    """A template and those that it defines, by name; positions are in `text`."""

    text: str
    name: str
    body: Body = ()
    defined: dict[str, Body] = field(default_factory=dict)


def parse(name: str, text: str, functions: Collection[str]) -> Parsed:
    """Return the template called `name`; raise TemplateSyntaxError if it is none, or calls what `functions` lacks."""
    return _Parser(name, text, functions).template()


class _Parser:
    def __init__(self, name: str, text: str, functions: Collection[str]) -> None:
        self._parsed = Parsed(text, name)
        self._functions = functions
        self._tokens = list(tokens_of(text))
        self._index = 0
        self._variables = ["$"]
        self._ranges = 0
        self._depth = 0

    def template(self) -> Parsed:
        body: list[Statement] = []
        while self._peek_solid().kind is not Kind.END:
            if self._peek_solid().kind is Kind.LEFT:
                begin = self._index
                self._next_solid()
                if self._is_keyword("define"):
                    self._definition()
                    continue
                self._index = begin
            statement = self._statement()
            if isinstance(statement, Token):
                raise self._unexpected_word(statement)
            body.append(statement)
        self._add(self._parsed.name, body)
        self._parsed.body = self._parsed.defined.pop(self._parsed.name, body)
        return self._parsed

    def _definition(self) -> None:
        self._next_solid()
        name, _ = self._name("define clause")
        self._expect(Kind.RIGHT, "define clause")
        body, end = self._inner(own_variables=True)
        if end.text != "end":
            raise self._error(end, f"unexpected {{{{{end.text}}}}} in define clause")
        self._add(name, body)

    def _add(self, name: str, body: Body) -> None:
        old = self._parsed.defined.get(name)
        if old is None or _is_blank(old):
            self._parsed.defined[name] = body
        elif not _is_blank(body):
            raise self._error(self._peek(), f"template: multiple definition of template {quoted(name)}")

    def _inner(self, *, own_variables: bool = False) -> tuple[Body, Token]:
        """Return the statements up to an `end` or `else`, and that word."""
        outer, ranges = self._variables, self._ranges
        if own_variables:
            self._variables, self._ranges = ["$"], 0
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(self._peek(), f"nested more than {MAX_DEPTH} levels deep")
        body: list[Statement] = []
        while self._peek_solid().kind is not Kind.END:
            statement = self._statement()
            if isinstance(statement, Token):
                self._depth -= 1
                if own_variables:
                    self._variables, self._ranges = outer, ranges
                return body, statement
            body.append(statement)
        raise self._error(self._peek(), "unexpected EOF")

    def _statement(self) -> Statement | Token:
        """Return the next statement, or the word `end` or `else`."""
        token = self._next_solid()
        if token.kind is Kind.TEXT:
            return Text(token.position, token.text)
        if token.kind is not Kind.LEFT:
            raise self._unexpected(token, "input")
        token = self._peek_solid()
        if token.kind is not Kind.KEYWORD:
            pipe = self._pipe("command", Kind.RIGHT)
            return Action(token.position, pipe)
        self._next_solid()
        return self._controls(token)

    def _controls(self, token: Token) -> Statement | Token:
        if token.text in ("if", "with", "range"):
            return self._branch(token.text)
        if token.text == "template":
            return self._template_call("template clause")
        if token.text == "block":
            return self._block()
        if token.text in ("break", "continue"):
            if not self._ranges:
                raise self._error(token, f"{{{{{token.text}}}}} outside {{{{range}}}}")
            self._expect(Kind.RIGHT, f"{{{{{token.text}}}}}")
            return Jump(token.position, token.text)
        if token.text == "end":
            self._expect(Kind.RIGHT, "end")
        elif token.text == "else":
            if not (self._is_keyword("if")):
                self._expect(Kind.RIGHT, "else")
        else:
            raise self._unexpected(token, "command")
        return token

    def _branch(self, word: str) -> Branch:
        count = len(self._variables)
        pipe = self._pipe(word, Kind.RIGHT)
        self._ranges += word == "range"
        body, end = self._inner()
        self._ranges -= word == "range"
        otherwise: Body | None = None
        if end.text == "else":
            if self._is_keyword("if"):
                token = self._next_solid()
                if word != "if":
                    raise self._unexpected(token, "else")
                otherwise = [self._branch("if")]
            else:
                otherwise, end = self._inner()
                if end.text != "end":
                    raise self._error(end, f"expected end; found {{{{{end.text}}}}}")
        del self._variables[count:]
        return Branch(pipe.position, word, pipe, body, otherwise)

    def _template_call(self, context: str) -> TemplateCall:
        position = self._peek_solid().position
        name, written = self._name(context)
        pipe = None
        if self._peek_solid().kind is Kind.RIGHT:
            self._next_solid()
        else:
            pipe = self._pipe(context, Kind.RIGHT)
        return TemplateCall(position, name, written, pipe)

    def _block(self) -> TemplateCall:
        position = self._peek_solid().position
        name, written = self._name("block clause")
        pipe = self._pipe("block clause", Kind.RIGHT)
        body, end = self._inner(own_variables=True)
        if end.text != "end":
            raise self._error(end, f"unexpected {{{{{end.text}}}}} in block clause")
        self._add(name, body)
        return TemplateCall(position, name, written, pipe)

    def _pipe(self, context: str, end: Kind) -> Pipe:
        pipe = Pipe(self._peek_solid().position)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(self._peek(), f"nested more than {MAX_DEPTH} levels deep")
        while self._declares(pipe, context):
            pass
        while (token := self._next_solid()).kind is not end:
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._index -= 1
            pipe.commands.append(self._command())
        self._depth -= 1
        self._check(pipe, context)
        return pipe

    def _declares(self, pipe: Pipe, context: str) -> bool:
        """Take a variable that is declared or assigned; return whether another one may follow."""
        begin = self._index
        variable = self._peek_solid()
        if variable.kind is not Kind.VARIABLE:
            return False
        self._next_solid()
        following = self._peek_solid()
        if following.kind in (Kind.ASSIGN, Kind.DECLARE):
            self._next_solid()
            pipe.is_assignment = following.kind is Kind.ASSIGN
            self._declare(pipe, variable)
            return False
        if following.kind is Kind.OTHER and following.text == ",":
            self._next_solid()
            self._declare(pipe, variable)
            if context == "range" and len(pipe.declared) < 2:
                if self._peek_solid().kind in (Kind.VARIABLE, Kind.RIGHT, Kind.CLOSE):
                    return True
                raise self._error(self._peek_solid(), "range can only initialize variables")
            raise self._error(following, f"too many declarations in {context}")
        self._index = begin
        return False

    def _declare(self, pipe: Pipe, variable: Token) -> None:
        pipe.declared.append(Variable(variable.position, variable.text))
        self._variables.append(variable.text)

    def _check(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            raise self._error(self._tokens[self._index - 1], f"missing value for {context}")
        for number, command in enumerate(pipe.commands[1:], start=2):
            first = command.operands[0]
            if isinstance(first, Literal | Number | Nil | Dot):
                token = Token(Kind.OTHER, "", first.position)
                raise self._error(token, f"non executable command in pipeline stage {number}")

    def _command(self) -> Command:
        command = Command(self._peek_solid().position)
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                command.operands.append(operand)
            token = self._next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.CLOSE):
                self._index -= 1
            elif token.kind is not Kind.PIPE:
                raise self._unexpected(token, "operand")
            if not command.operands:
                raise self._error(token, "empty command")
            return command

    def _operand(self) -> Operand | None:
        term = self._term()
        if term is None or self._peek().kind is not Kind.FIELD:
            return term
        position = self._peek().position
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._next().text[1:])
        if isinstance(term, Field):
            return Field(position, (*term.names, *names))
        if isinstance(term, Variable):
            return Variable(position, term.name, (*term.names, *names))
        if isinstance(term, Literal | Number | Nil | Dot):
            token = Token(Kind.OTHER, "", position)
            raise self._error(token, f"unexpected . after term {quoted(str(term))}")
        return Chain(position, term, tuple(names))

    def _term(self) -> Operand | None:
        token = self._next_solid()
        read = TERMS.get(token.kind)
        if token.kind is Kind.OPEN:
            return self._pipe("parenthesized pipeline", Kind.CLOSE)
        if token.kind is Kind.IDENTIFIER and token.text not in self._functions:
            raise self._error(token, f"function {quoted(token.text)} not defined")
        if token.kind is Kind.VARIABLE and token.text not in self._variables:
            raise self._error(token, f"undefined variable {quoted(token.text)}")
        if read is None:
            self._index -= 1
            return None
        try:
            return read(token)
        except ValueError as error:
            raise self._error(token, str(error)) from error

    def _name(self, context: str) -> tuple[str, str]:
        token = self._next_solid()
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            raise self._unexpected(token, context)
        try:
            name = unquoted(token.text)
        except ValueError as error:
            raise self._error(token, str(error)) from error
        return name, quoted(name)

    def _expect(self, kind: Kind, context: str) -> None:
        token = self._next_solid()
        if token.kind is not kind:
            raise self._unexpected(token, context)

    def _is_keyword(self, word: str) -> bool:
        return self._peek_solid().kind is Kind.KEYWORD and self._peek_solid().text == word

    def _peek(self) -> Token:
        return self._tokens[min(self._index, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self._index += 1
        return token

    def _skip_space(self) -> None:
        while self._peek().kind is Kind.SPACE:
            self._index += 1

    def _peek_solid(self) -> Token:
        self._skip_space()
        return self._peek()

    def _next_solid(self) -> Token:
        self._skip_space()
        return self._next()

    def _unexpected(self, token: Token, context: str) -> TemplateSyntaxError:
        if token.kind is Kind.ERROR:
            return self._error(token, token.text)
        return self._error(token, f"unexpected {token.shown()} in {context}")

    def _unexpected_word(self, token: Token) -> TemplateSyntaxError:
        return self._error(token, f"unexpected {{{{{token.text}}}}}")

    def _error(self, token: Token, message: str) -> TemplateSyntaxError:
        if token.kind is Kind.ERROR:
            message = token.text
        before = self._parsed.text[: token.position].split("\n")
        return TemplateSyntaxError(message, len(before), len(before[-1]) + 1)


def _is_blank(body: Body) -> bool:
    return all(isinstance(statement, Text) and _BLANK.fullmatch(statement.text) for statement in body)
