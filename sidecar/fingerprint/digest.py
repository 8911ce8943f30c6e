"""Short names of normal forms."""

from collections.abc import Iterable
from hashlib import blake2b


def digest(parts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that stand for `parts` and their order, the same in every process and version."""
    sizes_and_parts = (part for text in parts for part in (str(len(text)), text))
    return blake2b("\0".join(sizes_and_parts).encode(errors="surrogatepass"), digest_size=8).hexdigest()
