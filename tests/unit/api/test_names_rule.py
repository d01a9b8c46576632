"""Names of steps, inputs and fields."""

import pytest

from dspex.api.names import (
    CEL_WORDS,
    MAX_NAME,
    YAML_WORDS,
    check_name,
    check_object_name,
    is_valid_name,
)


@pytest.mark.parametrize("name", ["a", "topic", "firstDraft", "item_2", "a" * MAX_NAME, "nope"])
def test_plain_names_are_taken(name: str) -> None:
    """A lower-case letter followed by letters, digits and _ is a name."""
    assert check_name(name) is None
    assert is_valid_name(name)


@pytest.mark.parametrize("name", sorted(CEL_WORDS - YAML_WORDS))
def test_words_of_cel_are_refused_with_that_reason(name: str) -> None:
    """A reserved word of CEL could not be selected in an expression."""
    assert "CEL" in str(check_name(name))


@pytest.mark.parametrize("name", [*sorted(YAML_WORDS), "yES", "nULL", "oN"])
def test_words_of_yaml_are_refused_in_any_case(name: str) -> None:
    """A word that YAML 1.1 reads as a boolean or null is refused with that reason."""
    assert "YAML" in str(check_name(name))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("a" * (MAX_NAME + 1), "64"),
        ("Topic", "lower-case"),
        ("_topic", "lower-case"),
        ("1st", "lower-case"),
        ("ähm", "lower-case"),
        ("a-b", "only letters"),
        ("a.b", "only letters"),
        ("aé", "only letters"),
        ("a\n", "only letters"),
    ],
)
def test_other_names_are_refused_with_what_is_wrong(name: str, reason: str) -> None:
    """The reason names the rule that the name breaks."""
    assert reason in str(check_name(name))


@pytest.mark.parametrize("name", ["a", "support-1", "0a", "a" * 63])
def test_object_names_are_dns_labels(name: str) -> None:
    """An RFC 1123 label of up to 63 characters names an object."""
    assert check_object_name(name) is None


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a_b", "a" * 64, "a\n"])
def test_other_object_names_are_refused(name: str) -> None:
    """What is no label is refused with a reason."""
    assert check_object_name(name)
