"""What secrets and personal data look like in a text. RE2 finds them in linear time, whatever the text is."""

CREDENTIALS = (
    r"(?s)-----BEGIN [A-Z\d ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z\d ]*-----|\z)",
    r"(?:\b|_)eyJ[\w-]+\.[\w-]+(?:\.[\w-]*){0,3}",  # JSON Web Tokens, signed or encrypted
    r"(?:\b|_)(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"(?:\b|_)(?:gh[pousr]_|github_pat_|gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|agent|imt)-|xox[a-z](?:\.xox[a-z])?-|xapp-"
    r"|[srp]k_(?:live|test)_|whsec_|sk-|AIza|GOCSPX-|ya29\.)[\w-]{16,}",
    r"\bhooks\.slack\.com/[\w/-]+",
)
"""Masked as a whole."""

_NAMES = (
    r"token|(?:password|passwd|passphrase|pwd|secret|credential|cookie)s?|signature|session[_-]?id|sessid|connect\.sid"
    r"|(?:api|access|secret|private|account|encryption|signing|auth)[_-]?key"
)
_NAME = rf"(?:\b|_)(?:[\w.-]*(?:{_NAMES})(?:[_-]?(?:hash|digest|confirm(?:ation)?|value|\d+))?|pass|sig|authorization)"
_HEADER = r"(?:\b|_)(?:[\w.-]*(?:authorization|cookie))"
_CLOSED = r"""(?:\\*["']|\]|%22|%27|%5D)*\s*"""
"""What may be between a name and the sign after it, as in `"password": `, `user[password]=` and `%22password%22%3A`."""
_QUOTED = (
    r"""(?:\\+"(?:[^"\\]|\\{2,}"|\\+[^"\\])*(?:\\"|\z)|\\+'(?:[^'\\]|\\{2,}'|\\+[^'\\])*(?:\\'|\z)"""
    r"""|(?:\b[bru])?(?:"(?:\\.|""|[^"\\])*(?:"|\z)|'(?:\\.|''|[^'\\])*(?:'|\z)))"""
)
"""Without its end it goes to that of the text."""
_INSIDE = rf"{_QUOTED}|\[[^\]]*(?:\]|\z)|\{{[^}}]*(?:\}}|\z)"
_WORD = r"""[^\s&;,'"<>]"""
SECRET_OPTION = rf"--?[\w-]*(?:{_NAMES})"
LABELLED_CREDENTIALS = (
    rf"(?i)(\b(?:create|alter)\s+(?:user|role)\s+\S+\s+identified\s+by\s+(?:values\s+)?)(?:{_QUOTED}|{_WORD}+)",
    # The scheme of a header says how many words follow, cookies are several: they go to the end of the line.
    rf"""(?i)({_HEADER}{_CLOSED}:\s*)(?:{_QUOTED}|[^\s:'"][^\r\n]*)""",
    rf"""(?i)({_HEADER}=)\w+[ =][^\r\n,'"]*""",
    r"(?i)(\b(?:(?:bearer|basic|digest|negotiate)(?:\s|%20|\+)+|bearer:\s*))[\w.~+/=-]{6,}",
    rf"(?i)({_NAME}{_CLOSED}(?:[:=]=|[=-]>|=|%3D|:\s|%3A)\s*(?:[|>][+-]?\s+)?)(?:{_INSIDE}|{_WORD}+)",
    rf"(?i)({_NAME}{_CLOSED}:)(?:{_INSIDE}|[^\s&;,'\"<>:=]{_WORD}*)",  # but no Token::Expired
    rf"""(?i)(["']{_NAME}["'],\s*)(?:{_QUOTED})""",
    rf"(?i)(<[\w:]*(?:{_NAMES})(?:\s[^<>]*)?>)[^<]+",
    rf"(?i)((?:^|[\s'\"]){SECRET_OPTION}\s+)(?:{_QUOTED}|[^\s-]\S*)",
    rf"(?i)(\b(?:auth|jwt|sid)=){_WORD}+",
)
"""Of these the first group stays, which says what the masked rest is."""

USERS = (
    # Up to the last @: an unescaped one in a password is a usual mistake.
    r"""([a-zA-Z][\w+.-]*://)(?:[^\s'"]*|[^\s"/,:@]*:[^\s"/,]*)@""",
    r"""((?:^|[\s'"(,\[{=;|<>]))[^\s:@'"=/(,]+:[^\s'"/@][^\s'"]*@""",
)
"""Of these the first group and the @ stay."""

_AT = r"(?:@|%(?:25)*40|\\+u0040|&#(?:64|x40);|\x{ff20})"
EMAILS = (rf"""[\pL\pM\pN_.%+-]+[!#$&'*/=?^`{{|}}~"]*{_AT}[\pL\pM\pN_-]+(?:\.[\pL\pM\pN_-]+)+""",)

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
