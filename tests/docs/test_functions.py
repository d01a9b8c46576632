"""Holds that docs/expressions.md shows every function, with an example that gives what it says."""

import json
import re
from pathlib import Path

import pytest

from dspex.native.expressions import Scope, compile_expression
from dspex.native.expressions.library import LIBRARY
from dspex.native.expressions.rewrite import NAMESPACES

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"
ROW = re.compile(
    r"^\| `(?P<name>[\w.]+)` \| [^|]+ \| `(?P<example>[^|]+)` \| `(?P<value>[^|]+)` \|$"
)
ROWS = [match for line in PAGE.read_text().splitlines() if (match := ROW.match(line))]
STRINGS = [
    "charAt",
    "indexOf",
    "lastIndexOf",
    "lowerAscii",
    "upperAscii",
    "split",
    "substring",
    "trim",
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_an_example_gives_what_the_page_says(row: re.Match[str]) -> None:
    """Each is compiled and evaluated, and calls the function that it stands beside."""
    assert f"{row['name']}(" in row["example"]
    value = compile_expression(row["example"], Scope({})).evaluate({})
    expected = json.loads(row["value"])
    assert value == expected
    assert type(value) is type(expected)


def test_every_function_is_shown() -> None:
    """Those of the library, of strings, and all behind a namespace but the ones on bits."""
    dotted = {
        f"{namespace}.{name}"
        for namespace, names in NAMESPACES.items()
        for name in names
        if not name.startswith("bit") and namespace != "strings"
    }
    shown = [row["name"] for row in ROWS]
    assert sorted(shown) == sorted({*(each.name for each in LIBRARY), *STRINGS, *dotted})
