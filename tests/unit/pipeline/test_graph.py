"""The graph functions, against networkx-free definitions and random graphs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.pipeline import graph


@st.composite
def graphs(draw: st.DrawFn, acyclic: bool = True) -> dict[str, list[str]]:
    """Draw a graph of up to 12 nodes, its nodes in any order."""
    count = draw(st.integers(0, 12))
    nodes = [f"n{index}" for index in range(count)]
    needs = {
        node: draw(
            st.lists(st.sampled_from(nodes[:index] if acyclic else nodes), unique=True)
            if nodes[:index] or not acyclic
            else st.just([])
        )
        for index, node in enumerate(nodes)
    }
    return {node: needs[node] for node in draw(st.permutations(nodes))}


@given(graphs())
def test_order_puts_each_node_after_those_it_needs(needs: dict[str, list[str]]) -> None:
    """Every node comes once, and after all that it needs."""
    found = graph.order(needs)
    assert sorted(found) == sorted(needs)
    place = {node: index for index, node in enumerate(found)}
    assert all(place[need] < place[node] for node, before in needs.items() for need in before)


@given(graphs())
def test_an_acyclic_graph_has_no_cycle(needs: dict[str, list[str]]) -> None:
    """`find_cycle` finds none where `order` succeeds."""
    assert graph.find_cycle(needs) is None


@given(graphs(acyclic=False))
def test_a_found_cycle_is_one_and_order_agrees(needs: dict[str, list[str]]) -> None:
    """A found cycle's neighbours are edges, it closes, and `order` refuses just those graphs."""
    cycle = graph.find_cycle(needs)
    if cycle is None:
        graph.order(needs)
        return
    assert cycle[0] == cycle[-1]
    assert len(set(cycle[:-1])) == len(cycle) - 1
    assert all(second in needs[first] for first, second in itertools.pairwise(cycle))
    with pytest.raises(ValueError, match="cycle"):
        graph.order(needs)


def test_a_node_that_needs_itself_is_a_cycle() -> None:
    """The shortest cycle has one node."""
    assert graph.find_cycle({"a": ["a"]}) == ["a", "a"]


def test_the_shortest_cycle_is_named_in_the_order_of_needing() -> None:
    """Of two cycles the shorter is shown, each node needing the next."""
    needs = {"a": ["b"], "b": ["c"], "c": ["d"], "d": ["a", "c"]}
    assert graph.find_cycle(needs) == ["c", "d", "c"]


@given(graphs())
def test_levels_are_the_longest_ways(needs: dict[str, list[str]]) -> None:
    """A node's level is one more than the greatest of those it needs; ties keep their order."""
    found = graph.levels(needs)
    level = {node: index for index, nodes in enumerate(found) for node in nodes}
    for node, before in needs.items():
        assert level[node] == max((level[need] + 1 for need in before), default=0)
    nodes = list(needs)
    assert all(group == sorted(group, key=nodes.index) for group in found)


@given(graphs())
def test_ancestors_are_closed(needs: dict[str, list[str]]) -> None:
    """An ancestor's needs are ancestors too, and every direct need is one."""
    for node, before in needs.items():
        found = graph.ancestors(needs, node)
        assert set(before) <= found
        assert all(set(needs[other]) <= found for other in found)


def test_ties_keep_the_order_of_the_manifest() -> None:
    """Steps that nothing ties come in the order in which they were written."""
    assert graph.order({"z": [], "m": ["z"], "a": []}) == ["z", "a", "m"]
