"""Whether something came lately already: what comes again is worth remembering, what never does costs no memory."""

from array import array

_SLOTS = 1 << 14


class Lately:
    """Knows the hashes of what came lately, each for as long as no other needs its slot."""

    def __init__(self) -> None:
        self._hashes = array("q", bytes(8 * _SLOTS))

    def came(self, content: bytes) -> bool:
        """Return whether `content` came lately, and note that it came."""
        number = hash(content)
        slot = number % _SLOTS
        if self._hashes[slot] == number:
            return True
        self._hashes[slot] = number
        return False
