"""Sends floods over HTTP, some requests at a time."""

import http.client
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import count
from typing import NamedTuple

from tests.servers import HOST
from tests.soak.bounds.bodies import BodyFlood
from tests.soak.bounds.items import ItemFlood

AT_ONCE = 2
"""Requests with items at a time: while one is worked on the next arrives."""
HUNG_UP = 0
"""Stands for the status where there was none: the body was refused while it was under way."""
TIMEOUT_SECONDS = 120.0
KINDS = {"protobuf": "application/x-protobuf", "json": "application/json"}


class Sent(NamedTuple):
    """How many requests were answered how, and the number of the items that were sent in them."""

    statuses: Counter[int]
    items: int


class Sender:
    """Sends to the OTLP port, in threads; `halfway` is called when half of a flood is over."""

    def __init__(self, port: int, halfway: Callable[[], None]) -> None:
        self._port = port
        self._halfway = halfway

    def send_items(self, flood: ItemFlood, items: int) -> Sent:
        """Send so many different items."""
        per_request = flood.template.items
        numbers = range(0, items, per_request)
        half = len(numbers) // 2

        def more(number: int) -> bool:
            if number == half:
                self._halfway()
            return number < len(numbers)

        headers = {"Content-Type": KINDS["protobuf"]}
        statuses = self._run(AT_ONCE, more, flood.path, headers, lambda number: flood.template.filled(numbers[number]))
        return Sent(statuses, len(numbers) * per_request)

    def send(self, flood: BodyFlood, seconds: float) -> Sent:
        """Send the same request for some seconds, and as often as to have done so twice at least."""
        began = time.monotonic()
        is_half = False

        def more(number: int) -> bool:
            nonlocal is_half
            passed = time.monotonic() - began
            if not is_half and passed >= seconds / 2 and number > flood.at_once:
                is_half = True
                self._halfway()
            return passed < seconds or not is_half

        headers = {"Content-Type": KINDS[flood.kind]}
        if flood.encoding:
            headers["Content-Encoding"] = flood.encoding
        statuses = self._run(flood.at_once, more, flood.path, headers, lambda _: flood.body)
        return Sent(statuses, 0)

    def _run(
        self,
        at_once: int,
        more: Callable[[int], bool],
        path: str,
        headers: dict[str, str],
        body_of: Callable[[int], bytes],
    ) -> Counter[int]:
        numbers = count()
        statuses: Counter[int] = Counter()

        def work() -> None:
            connection = http.client.HTTPConnection(HOST, self._port, timeout=TIMEOUT_SECONDS)
            try:
                while more(number := next(numbers)):
                    statuses[_post(connection, path, body_of(number), headers)] += 1
            finally:
                connection.close()

        with ThreadPoolExecutor(at_once) as threads:
            for done in wait([threads.submit(work) for _ in range(at_once)]).done:
                done.result()
        return statuses


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> int:
    """Return the status of the answer, or HUNG_UP."""
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # the answer may have come all the same
            connection.request("POST", path, body, headers)
        with connection.getresponse() as response:
            response.read()
            if response.status != http.client.OK and len(body) > 1 << 16:
                connection.close()  # of what may still be under way
            return response.status
    except (http.client.HTTPException, ConnectionError):
        connection.close()
        return HUNG_UP
