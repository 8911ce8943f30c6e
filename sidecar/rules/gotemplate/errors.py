"""What can go wrong with a template."""


class TemplateSyntaxError(ValueError):
    """A template that does not parse; `line` and `column` count from 1 in its own text."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.line = line
        self.column = column
        super().__init__(message)


class ExecutionError(ValueError):
    """A template that parses and cannot be expanded; the message is Go's."""


class CallError(ValueError):
    """A function that refuses its arguments; the message is Go's without the place."""
