"""Names of fields."""

import keyword

import pytest

from dspex.native.signatures import (
    check_field_name,
    check_name,
    is_valid_field_name,
    is_valid_name,
)


@pytest.mark.parametrize("name", ["a", "camelCase", "snake_case", "a1_", "x" * 63, "forEach", "iN"])
def test_good_names(name: str) -> None:
    """Letters, digits and underscores behind a lower-case letter, up to 63."""
    assert is_valid_name(name)
    assert is_valid_field_name(name)
    assert check_name(name) is None
    assert check_field_name(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("Question", "lower-case letter"),
        ("_x", "lower-case letter"),
        ("1x", "lower-case letter"),
        ("a-b", "letters"),
        ("ähm", "lower-case letter"),
        ("aé", "letters"),
        ("x" * 64, "64"),
        ("y", "YAML"),
        ("oN", "YAML"),
        ("no", "YAML"),
        ("nULL", "null"),
        ("in", "CEL"),
        ("package", "CEL"),
        ("a\n", "letters"),
    ],
)
def test_names_that_no_one_may_have(name: str, why: str) -> None:
    """Each is refused with its reason."""
    finding = check_name(name, what="step name")
    assert finding is not None
    assert finding.code == "InvalidName"
    assert "step name" in finding.message
    assert why in finding.message
    assert finding.remedy
    assert not is_valid_name(name)
    assert not is_valid_field_name(name)


@pytest.mark.parametrize("name", sorted({*keyword.kwlist} - {"False", "None", "True"}))
def test_words_of_python_are_no_fields(name: str) -> None:
    """DSPy could not parse them."""
    assert not is_valid_field_name(name)
    assert check_field_name(name) is not None


@pytest.mark.parametrize("name", ["signature", "instructions", "fields", "model_dump"])
def test_attributes_of_dspys_class_are_no_fields_but_may_be_steps(name: str) -> None:
    """Only a signature's class would break on them."""
    finding = check_field_name(name)
    assert finding is not None
    assert "DSPy" in finding.message
    assert is_valid_name(name)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Question", "question"), ("a-b", "a_b"), ("on", "on_value"), ("class", "class_value")],
)
def test_the_remedy_names_one_that_is_free(name: str, other: str) -> None:
    """The suggested name passes itself."""
    finding = check_field_name(name)
    assert finding is not None
    assert repr(other) in str(finding.remedy)
    assert is_valid_field_name(other)


def test_a_name_without_a_letter_has_no_suggestion() -> None:
    """Nothing is made up."""
    finding = check_field_name("é")
    assert finding is not None
    assert finding.remedy == "choose another name"
