"""All that goes wrong, by name."""

from collections.abc import Callable

from orders.pricing import (  # type: ignore[import-not-found]
    Basket,
    depth,
    endless,
    folded,
    parse,
    price_of,
    retried,
    total,
    total_of_list,
)
from orders.remote import (  # type: ignore[import-not-found]
    charge,
    grouped,
    handled,
    reserve,
    silent,
    together,
    wrapped,
)

BUGS: dict[str, Callable[[int], object]] = {
    "unknown_sku": lambda number: price_of(f"SKU-{number}"),
    "unknown_sku_in_total": lambda number: total(["apple", f"SKU-{number}"]),
    "unknown_sku_in_list": lambda number: total_of_list([f"SKU-{number}"] * number),
    "empty_basket": lambda number: Basket([]),
    "weightless": lambda number: Basket([number]).weight,
    "beyond_the_basket": lambda number: Basket([1]).line(number),
    "missing_at_any_depth": lambda number: depth(number % 50),
    "endless": endless,
    "not_json": parse,
    "folded": folded,
    "no_file": lambda number: open(f"/nowhere/{number}.txt"),
    "retried_charge": lambda number: retried(charge, number),
    "retried_reserve": lambda number: retried(reserve, number),
    "wrapped_charge": lambda number: wrapped(charge, number),
    "wrapped_reserve": lambda number: wrapped(reserve, number),
    "handled_charge": lambda number: handled(charge, number),
    "handled_reserve": lambda number: handled(reserve, number),
    "silent": silent,
    "together_both": lambda number: together(*[charge, reserve][:: 1 if number % 2 else -1])(number),
    "together_charge": lambda number: together(*[charge] * (number % 3 + 2))(number),
    "grouped": grouped,
}
