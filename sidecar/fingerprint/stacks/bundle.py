"""Names of files that bundlers of JavaScript make: the same file has another name in each build."""

import re

_HEX = r"(?=[a-f]*\d)[\da-f]{6,}|[\da-f]{16,}|(?=[A-F]*\d)[\dA-F]{6,}"
"""webpack, Next, Parcel and Rails; a short word of these letters only, such as `facade`, is none."""
_UPPER = r"[A-Z\d]{8}"
"""esbuild, and Angular with it."""
_MIXED = (
    r"(?=[\w-]*[A-Z])(?=[\w-]*[a-z\d_-])[\w-]{8}|(?=[a-z_-]*\d[\d_-]*[a-z])[\w-]{8}"
    r"|(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])\w{9,24}"
)
"""Vite, Rollup and Nuxt: base64url, of 8 characters if nobody says otherwise; in longer ones a dash ends a name."""
_ENDING = r"(?=(?:\.(?:chunk|bundle|min|esm|legacy|entry|module|_))*\.\w+$)"
_AFTER_NAME = re.compile(rf"(?:[-.~]|(?<=[^_])_{{1,2}}(?=[\da-f]+\._\.))(?P<hash>{_HEX}|{_UPPER}|{_MIXED}){_ENDING}")
_ALONE = re.compile(
    r"^_*(?:(?=[a-f]*\d)[\da-f]{8,}|[\da-f]{16,}|(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{8})[._]*" + _ENDING
)
_ALONE_AMONG_CHUNKS = re.compile(rf"^(?P<hash>{_HEX}|{_MIXED}){_ENDING}")
_CHUNKS = re.compile(r"/(?:_nuxt|immutable|_astro|chunks)/")
_SIGNS = re.compile(r"[-_]")
_WORD = re.compile(r"[A-Z]?[a-z]+")
_PRONOUNCEABLE = re.compile(
    r"(?i)(?:[bcdfghj-np-tv-z]|[bcfgkps][lr]|[dt]r|[cpstgw]h|s[ckmnptw]|tw|wr|qu|st?r|scr|spr|thr|chr|sch)?[aeiouy]"
    r"(?!.*[bcdfghj-np-tv-xz]{3})"
)


def without_hash(path: str) -> str:
    """Return `path` of a script without the hash in its file's name: `index-DiwrgTda.js` is `index.js`."""
    folder, slash, file = path.rpartition("/")
    named = _AFTER_NAME.sub(_left, file)
    if named == file:
        named = _ALONE.sub("*", file)
    if named == file and _CHUNKS.search(f"{folder}/"):
        named = _ALONE_AMONG_CHUNKS.sub(lambda found: _left(found) or "*", file)
    return f"{folder}{slash}{named}"


def _left(found: re.Match[str]) -> str:
    """Return what is left of what looks like a hash: all of it if it is words, as in `shop-CartPage.js`."""
    words = _WORD.findall(found["hash"])
    is_text = "".join(words) == _SIGNS.sub("", found["hash"]) and all(
        len(word) > 2 and _PRONOUNCEABLE.match(word) for word in words
    )
    return found[0] if is_text else ""
