"""Rewards that a test's Pool has among its tools."""


def shortness(answer: str) -> float:
    """How short the answer is: 1 for one character."""
    return 1 / len(answer)


def breaks(answer: str) -> float:
    """Fail."""
    raise ValueError(answer)


def words(answer: str) -> str:
    """Return a word."""
    return "plenty"


def wants_more(answer: str, budget: int) -> float:
    """Want what no attempt has."""
    return budget / len(answer)
