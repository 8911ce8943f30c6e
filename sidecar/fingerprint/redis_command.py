"""Commands of Redis without keys and values."""

import re

LONGEST = 4096
"""Characters of a text that are looked at."""
_COMMANDS = 5
"""Different commands of a pipeline that are told."""
_WORD = re.compile(r"[A-Za-z]+(?:[._-][A-Za-z]+)*\Z")
_CONTAINERS = {"ACL", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "FUNCTION", "LATENCY", "MEMORY", "MODULE", "OBJECT"} | {
    *("PUBSUB", "SCRIPT", "SLOWLOG", "XGROUP", "XINFO")
}
"""Commands whose first argument is part of the command."""


def normalised(text: str) -> str:
    """Return the command of `text` with one `?` for all that follows it; of a pipeline, each different command.

    What does not look like a command, so that it may be a key or a password, is `?`.
    """
    commands = dict.fromkeys(_command(line) for line in text[:LONGEST].splitlines() if line.strip())
    return "; ".join([*commands][:_COMMANDS])


def _command(line: str) -> str:
    words = line.split(maxsplit=2)
    if not _WORD.match(words[0]):
        return "?"
    command = words.pop(0).upper()
    if command in _CONTAINERS and words and _WORD.match(words[0]):
        command += " " + words.pop(0).upper()
    return f"{command} ?" if words else command
