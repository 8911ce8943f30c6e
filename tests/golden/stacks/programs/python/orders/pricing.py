"""What goes wrong, each time with the number it is given."""

import json
from collections.abc import Callable, Iterable
from functools import reduce

PRICES = {"apple": {"cents": 20}}


def price_of(sku: str) -> int:
    return PRICES[sku]["cents"]


def total(skus: Iterable[str]) -> int:
    return sum(price_of(sku) for sku in skus)


def total_of_list(skus: Iterable[str]) -> int:
    return sum([price_of(sku) for sku in skus])


class Basket:
    def __init__(self, lines: list[int]) -> None:
        if not lines:
            raise ValueError("an empty basket")
        self.lines = lines

    @property
    def weight(self) -> float:
        return 1 / (self.lines[0] * 0)

    def line(self, number: int) -> int:
        return self.lines[number]


def depth(number: int) -> int:
    return missing() if number == 0 else depth(number - 1)  # type: ignore[name-defined] # noqa: F821


def endless(number: int) -> int:
    return odd(number + 1)


def odd(number: int) -> int:
    return endless(number + 1)


def parse(number: int) -> object:
    return json.loads(f'{{"number": {number}')


def folded(number: int) -> int:
    return reduce(lambda total, part: total // part, [number, 0])


def retried(action: Callable[[int], None], number: int) -> None:
    for attempt in range(2):
        try:
            action(number)
        except RuntimeError:
            if attempt:
                raise
