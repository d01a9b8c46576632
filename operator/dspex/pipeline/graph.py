"""Directed graphs of names: order, cycles, levels. Knows keys and edges, never manifests."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Graph: TypeAlias = Mapping[str, Iterable[str]]
"""For each node the nodes that must come before it; all of them nodes themselves."""


def order(graph: Graph) -> list[str]:
    """Sort the nodes so that each comes after those it needs; ties keep the mapping's order.

    Raises:
        ValueError: The graph has a cycle; ask `find_cycle` which.
    """
    waiting = {node: len(set(needs)) for node, needs in graph.items()}
    after = dependants(graph)
    ready = [node for node, count in waiting.items() if count == 0]
    done: list[str] = []
    while ready:
        # A whole front at a time keeps the manifest's order among steps that could run together.
        following: list[str] = []
        for node in ready:
            done.append(node)
            for successor in after[node]:
                waiting[successor] -= 1
                if waiting[successor] == 0:
                    following.append(successor)
        ready = following
    if len(done) < len(waiting):
        raise ValueError("the graph has a cycle")
    return done


def dependants(graph: Graph) -> dict[str, list[str]]:
    """Turn the edges round: for each node the nodes that need it, in the mapping's order."""
    after: dict[str, list[str]] = {node: [] for node in graph}
    for node, needs in graph.items():
        for need in dict.fromkeys(needs):
            after[need].append(node)
    return after


def find_cycle(graph: Graph) -> list[str] | None:
    """Find a shortest cycle, as `[a, b, a]` where a needs b and b needs a; None if none."""
    shortest: list[str] | None = None
    for start in graph:
        cycle = _shortest_back_to(graph, start)
        if cycle is not None and (shortest is None or len(cycle) < len(shortest)):
            shortest = cycle
    return shortest


def _shortest_back_to(graph: Graph, start: str) -> list[str] | None:
    came_from: dict[str, str] = {}
    front = [start]
    while front:
        following: list[str] = []
        for node in front:
            for need in graph[node]:
                if need == start:
                    return _path(came_from, start, node)
                if need not in came_from:
                    came_from[need] = node
                    following.append(need)
        front = following
    return None


def _path(came_from: Mapping[str, str], start: str, last: str) -> list[str]:
    path = [start, last] if last != start else [start]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    if len(path) == 1:
        return [start, start]
    return [start, *reversed(path[1:-1]), start]


def levels(graph: Graph) -> list[list[str]]:
    """Group the nodes of an acyclic graph by the length of the longest way to them."""
    depth: dict[str, int] = {}
    for node in order(graph):
        depth[node] = max((depth[need] + 1 for need in graph[node]), default=0)
    grouped: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph:
        grouped[depth[node]].append(node)
    return grouped


def ancestors(graph: Graph, node: str) -> set[str]:
    """Find all that must come before a node, directly or not."""
    found: set[str] = set()
    front = list(graph[node])
    while front:
        current = front.pop()
        if current not in found:
            found.add(current)
            front.extend(graph[current])
    return found
