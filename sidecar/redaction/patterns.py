"""What secrets and personal data look like in a text. RE2 finds them in linear time, whatever the text is."""

CREDENTIALS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?",  # JSON Web Tokens
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|sk_test_|rk_live_|sk-|AIza)[\w-]{16,}",
)
"""Masked as a whole."""

_VALUE = r"""(?:"(?:\\.|[^"\\])*(?:"|\z)|'(?:\\.|[^'\\])*(?:'|\z)|[^\s&;,'"<>]+)"""
"""Without its end it goes to that of the text."""
_NAMES = (
    r"password|passwd|passphrase|pwd|secret|token|credentials?|cookie|signature|(?:api|access)[_-]?key|session[_-]?id"
)
LABELLED_CREDENTIALS = (
    rf"(?i)(\b(?:create|alter)\s+(?:user|role)\s+\S+\s+identified\s+by\s+(?:values\s+)?){_VALUE}",
    r"(?i)(\b(?:bearer|basic|digest|negotiate)\s+)[\w.~+/=-]{6,}",
    rf"""(?i)((?:\b|_)(?:[\w.-]*(?:{_NAMES})|pass|sig|authorization)["']?\s*(?:=|:|=>)\s*){_VALUE}""",
)
"""Of these the first group stays, which says what the masked rest is."""

USERS = (
    r"""([a-zA-Z][\w+.-]*://)[^\s'"]*@""",  # up to the last @: an unescaped one in a password is a usual mistake
    r"""((?:^|[\s'"(,\[{]))[^\s:@'"=/(,]+:[^\s'"/@][^\s'"]*@""",
)
"""Of these the first group and the @ stay."""

EMAILS = (r"[\pL\pN_.%+-]+(?:@|%40)[\pL\pN_-]+(?:\.[\pL\pN_-]+)+",)

SQL = (
    r"(?i)\b(?:SELECT\s[^;]*?\sFROM\s|SELECT\s+(?:['\d$]|\w+\()|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s"
    r"|MERGE\s+INTO\s|WITH\s+\w+\s+AS\s*\(|CALL\s+\w+\s*\()"
)
"""Where a statement begins in a text that may go on after it."""
SQL_END = r"\n\s*(?:File \"|at \S|Caused by: |goroutine \d|Traceback |During handling |The above )|\n?\[parameters: "
"""What does not belong to a statement any more."""
LABELLED_LITERALS = (
    r"(Key \([^\n=]*\)=\()[^\n]*",
    r"(Failing row contains \()[^\n]*",
    r"(\[parameters: )[^\n]*",
    r"""(invalid input (?:syntax|value) for [^\n"]*(?:"[^\n"]*")?[^\n"]*: )"[^\n]*""",
    r"(Duplicate entry )'[^\n]*'",
    r"(dup key: )\{[^\n]*",
    r"(The duplicate key value is \()[^\n]*",
    r"(with args beginning with: )[^\n]*",
    r"((?:Incorrect|Truncated)(?: \w+){0,3} value: )'(?:[^'\n]|'[^'\s])*'",  # not the column after it
    r"(Conversion failed when converting the \w+ value )'[^\n]*'",
    r"(right syntax to use near )'(?s:.*)'",
    r"""((?:malformed \w+ literal|value out of range): )"[^\n]*""",
    r"""(portal (?:"[^"\n]*" (?:with )?)?parameter \$\d+ = )[^\n]*""",
    r"""(COPY \w+, line \d+, column \w+: )"[^\n]*""",
)
"""What servers and drivers say about values; of these the first group stays."""
