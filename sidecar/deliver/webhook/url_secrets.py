"""What of a URL nobody may see: whoever knows it can send there too."""

from urllib.parse import parse_qsl, unquote

from sidecar.model.url import parse_web_url

SECRET_CHARACTERS = 6
"""A part of a URL from this length on is hidden where it stands alone too."""


def url_secrets(url: str) -> list[str]:
    """Return everything of `url` that gives away more than its host."""
    parts = parse_web_url(url)
    words = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    whole = [url, f"{parts.path}?{parts.query}", parts.query, parts.path]
    texts = (text for word in (*whole, *words) for text in (word, unquote(word)))
    return [text for text in texts if len(text) >= SECRET_CHARACTERS]
