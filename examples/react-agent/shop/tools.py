"""Tools that the agent may call: typed functions with a docstring, which the model reads."""

import json
from pathlib import Path
from typing import Any

ORDERS = Path(__file__).with_name("orders.json")


def find_order(number: str) -> dict[str, Any]:
    """Return an order by its number, such as A-1007: article, price in EUR, days since delivery."""
    orders: dict[str, dict[str, Any]] = json.loads(ORDERS.read_text(encoding="utf-8"))
    if number not in orders:
        raise LookupError(f"there is no order {number}; numbers look like A-1007")
    return orders[number]


def return_policy(category: str) -> str:
    """Say within how many days goods of a category may come back: 'kitchen' or 'clothes'."""
    days = {"kitchen": 14, "clothes": 30}
    if category not in days:
        raise ValueError(f"no such category; there are {', '.join(days)}")
    return f"{days[category]} days from delivery, unused or broken"
