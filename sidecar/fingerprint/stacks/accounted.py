"""Whether a text is a stack trace of a language from its first line to its last."""

import re
from typing import NamedTuple


class Lines(NamedTuple):
    """The lines of a language's stack traces. After a `head` or a `cause` a message may go on for several lines."""

    head: re.Pattern[str]
    call: re.Pattern[str]
    cause: re.Pattern[str]
    more: re.Pattern[str]
    """What else may stand among the calls."""

    def account_for(self, text: str) -> bool:
        """Return whether every line of `text` is one of these, and one at least a call."""
        in_message, calls = True, 0
        for number, line in enumerate(text.strip("\r\n").split("\n")):
            if self.call.match(line):
                in_message, calls = False, calls + 1
            elif self.cause.match(line) or (number == 0 and self.head.match(line)):
                in_message = True
            elif number == 0 or (not in_message and line.strip() and not self.more.match(line)):
                return False
        return calls > 0
