"""Sensitive values are found wherever they stand, and come back from checkpoints unchanged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspex.runner.redactor import SHOWN, Redactor

SALT = "0f6c1d1e-1111-4222-8333-0123456789ab"


def redactor(**sensitive: Any) -> Redactor:
    """Make one."""
    return Redactor(sensitive, salt=SALT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sk-12345", SHOWN),
        ("the key sk-12345 is wrong", f"the key {SHOWN} is wrong"),
        ("sk-12345sk-12345", SHOWN * 2),
        ("found 'sk-123…", f"found '{SHOWN}…"),
        ("found 'sk-1...", f"found '{SHOWN}..."),
        ("found 'sk-… and more", "found 'sk-… and more"),
        ("nothing here…", "nothing here…"),
        ("pin 424242", f"pin {SHOWN}"),
        ("7 of 9", "7 of 9"),
        ("7", SHOWN),
    ],
)
def test_texts_for_people(text: str, shown: str) -> None:
    """Whole, within other text, and cut off; short ones only as a whole value."""
    assert redactor(key="sk-12345", pin=424242, short="7").text(text) == shown


@pytest.mark.parametrize(
    "write", [json.dumps, repr, lambda text: json.dumps(text, ensure_ascii=False)]
)
def test_escaped_spellings_are_found(write: Any) -> None:
    """As JSON and Python write a text with quotes, line breaks and letters beyond ASCII."""
    secret = 'top "sécret"\nand more'
    shown = redactor(key=secret).text(f"it was {write(secret)}")
    assert "cret" not in shown
    assert "and more" not in shown


def test_values_at_any_depth_and_keys() -> None:
    """Texts, numbers and keys; what only looks similar stays."""
    found = redactor(key="abcdef", deep={"a": ["ghijkl", 98765.5]}).shown(
        {"abcdef": [1, "x abcdef", {"y": "ghijkl"}], "n": 98765.5, "t": True, "z": None, "m": 98765}
    )
    assert found == {
        SHOWN: [1, f"x {SHOWN}", {"y": SHOWN}],
        "n": SHOWN,
        "t": True,
        "z": None,
        "m": 98765,
    }


def test_without_sensitive_inputs_nothing_is_touched() -> None:
    """Not even copied."""
    value = {"a": ["sk-12345"]}
    nothing = redactor()
    assert nothing.shown(value) is value
    assert nothing.conceal(value) is value
    assert nothing.reveal(value) is value
    assert nothing.text("x") == "x"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=VALUES, secrets=st.lists(st.text(min_size=1) | st.integers(), max_size=4))
def test_what_is_concealed_comes_back(value: Any, secrets: list[Any]) -> None:
    """Whatever the values are, and however they hold one another."""
    names = {f"s{number}": secret for number, secret in enumerate(secrets)}
    hides = redactor(**names)
    whole = {"value": value, "known": secrets, "within": [f"a {each} b" for each in secrets]}
    hidden = json.loads(json.dumps(hides.conceal(whole)))
    assert hides.reveal(hidden) == whole
    for secret in secrets:
        if len(str(secret)) > 12 and str(secret).strip():
            assert json.dumps(secret) not in json.dumps(hidden)
