"""A short run of the signatures' fuzzer; `make fuzz` is the long one."""

from fuzz.signatures import parse_many

WORST_S = 0.1


def test_mutations_crash_nothing_import_nothing_and_take_no_time() -> None:
    """The corpus and 5,000 mutations are parsed or refused, each within 100 ms, without imports."""
    figures = parse_many(5000, seed=5)
    assert 0 < figures.good < 5000
    assert figures.worst < WORST_S
    assert figures.imported == frozenset()
