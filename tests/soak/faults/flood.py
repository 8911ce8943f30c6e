"""Sends bodies that are built to hurt, and many distinct things, to an OTLP port, in random order until it is killed.

python -m tests.soak.faults.flood PORT SEED
"""

import os
import sys
from random import Random

from tests.soak.bounds.bodies import body_floods
from tests.soak.bounds.items import item_floods
from tests.soak.bounds.sender import Sender

NICE = 5
SECONDS = 2.0
ITEMS = 20_000


def flood(port: int, random: Random) -> None:
    """Send for good."""
    os.nice(NICE)
    bodies, items = [*body_floods()], [*item_floods()]
    while True:
        sender = Sender(port, lambda: None)
        sender.send(random.choice(bodies), SECONDS)
        sender.send_items(random.choice(items), ITEMS)


if __name__ == "__main__":
    flood(int(sys.argv[1]), Random(int(sys.argv[2])))
