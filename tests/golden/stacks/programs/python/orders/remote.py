"""Wrappers, and what goes wrong inside of them."""

import asyncio
from collections.abc import Callable


class OrderError(Exception):
    pass


def charge(number: int) -> None:
    raise RuntimeError(f"card 4000-{number} was declined")


def reserve(number: int) -> None:
    raise RuntimeError(f"no stock for order {number}")


def wrapped(action: Callable[[int], None], number: int) -> None:
    try:
        action(number)
    except RuntimeError as error:
        raise OrderError(f"order {number} failed\nbadly") from error


def handled(action: Callable[[int], None], number: int) -> None:
    try:
        action(number)
    except RuntimeError:
        cleanup(number)


def cleanup(number: int) -> None:
    raise LookupError(f"nothing of {number} to clean up")


def silent(number: int) -> None:
    try:
        charge(number)
    except RuntimeError:
        raise OrderError(number) from None


def together(*actions: Callable[[int], None]) -> Callable[[int], None]:
    async def one(action: Callable[[int], None], number: int) -> None:
        await asyncio.sleep(0)
        action(number)

    async def all_of_them(number: int) -> None:
        async with asyncio.TaskGroup() as group:
            for action in actions:
                group.create_task(one(action, number))

    return lambda number: asyncio.run(all_of_them(number))


def grouped(number: int) -> None:
    try:
        together(charge, reserve)(number)
    except* RuntimeError as error:
        raise OrderError(number) from error
