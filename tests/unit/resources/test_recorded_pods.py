"""Pods of Pools against the record of what the operator makes."""

import json

import pytest

from fakes.recorded_pods import RECORD, SPECS, templates

RECORDED = json.loads(RECORD.read_text())


@pytest.mark.parametrize("name", SPECS)
def test_the_pods_of_a_pool_are_those_of_the_record(name: str) -> None:
    """Any other template, digests included, restarts all workers at an operator's upgrade."""
    assert templates()[name] == RECORDED[name], "see fakes.recorded_pods"


def test_the_record_holds_nothing_else() -> None:
    """Each Pool that was recorded is compared."""
    assert set(RECORDED) == set(SPECS)
