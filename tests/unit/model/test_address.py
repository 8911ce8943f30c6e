"""Addresses to listen on, and what is none."""

import pytest

from sidecar.model.address import parse_address


@pytest.mark.parametrize("text", ["", ":", "host:", ":-1", ":65536", ":²", ":\u0661", ":1_0", ":" + "9" * 5000])
def test_what_is_no_address_is_refused_in_words_that_say_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address to listen on"):
        parse_address(text)
