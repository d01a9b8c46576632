"""Requests to a cluster, by what they want: for a test that holds or refuses some of them."""

from collections.abc import Callable

from dspex.kube.kind import Kind
from fakes.cluster import Ask

Which = Callable[[Ask], bool]


def lists(kind: Kind) -> Which:
    """Those that list all objects of a kind, page by page or whole; not their names alone."""

    def is_one(ask: Ask) -> bool:
        if ask.method != "GET" or not ask.path.endswith(f"/{kind.plural}"):
            return False
        return "watch" not in ask.query and "Partial" not in ask.accept

    return is_one


def names(kind: Kind) -> Which:
    """Those that ask for the names of all objects of a kind."""
    return lambda ask: ask.path.endswith(f"/{kind.plural}") and "Partial" in ask.accept


def watches(ask: Ask) -> bool:
    """Those that watch anything."""
    return ask.query.get("watch") == "true"


def writes(path: str) -> Which:
    """Those that change what a path ends with."""
    return lambda ask: ask.writes and ask.path.endswith(path)
