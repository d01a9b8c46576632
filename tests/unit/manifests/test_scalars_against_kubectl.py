"""Scalars, keys and documents, against the library that kubectl reads with."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspex.manifests.documents import read_documents
from dspex.manifests.findings import Findings
from fakes.oracles import kubectl_readings

WORDS = [
    "yes",
    "Yes",
    "YES",
    "yEs",
    "no",
    "on",
    "Off",
    "y",
    "n",
    "Y",
    "N",
    "~",
    "null",
    "Null",
    "NULL",
    "nUll",
    "true",
    "TRUE",
    "tRue",
    "0",
    "-0",
    "+0",
    "00",
    "08",
    "010",
    "0o17",
    "0O17",
    "0b1",
    "0B1",
    "0b+1",
    "0b-1",
    "-0b1",
    "-0b-1",
    "+0b1",
    "0x1F",
    "0X1f",
    "-0x8000000000000000",
    "-0x8000000000000001",
    "0xFFFFFFFFFFFFFFFF",
    "0xFFFFFFFFFFFFFFFFF",
    "1_000",
    "1__0",
    "_1",
    "1_",
    "-_1",
    "0x_1",
    "0_8",
    "0_7",
    ".5",
    ".5_0",
    "._5",
    ".5_",
    ".5e3",
    ".5e_3",
    ".5e3_0",
    ".5e400",
    ".e3",
    ".",
    "..",
    "1.",
    "1.e3",
    "1e3",
    "1E3",
    "+1e3",
    "1e400",
    "-1e400",
    "1e-400",
    "1.0",
    "1.5",
    "-1.0",
    "-0.0",
    "1e20",
    "1e21",
    "1e22",
    "1e18",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "+12345678901234567890",
    "12345678901234567890",
    "1234567890123456789.0",
    "1.2345678901234567e18",
    "12:30",
    "190:20:30",
    "2001-12-14",
    "2001-1-1",
    "2001-12-14t21:59:43.10-05:00",
    ".inf",
    "-.INF",
    "+.inf",
    ".nan",
    ".NaN",
    "1e6",
    "1e5",
    "123456",
    "1234567.0",
    "100000.0",
    "0.0001",
    "0.00001",
    "16777217.0",
    "3.4e39",
    "-3.4e39",
    "1.1",
    "0.1",
    "1e-7",
    "3.14159265358979",
    "+",
    "--",
    "1-",
    "0777777777777777777777",
    "01777777777777777777777",
    "02777777777777777777777",
    "1,000",
    "0x",
    "0b",
    "0o",
    "0b2",
    "0x1p4",
    "inf",
    "nan",
    "Infinity",
    "1_0.5_0",
    "1e1_0",
    "+inf",
    "5e-324",
    "1e-45",
    "1e-46",
    "2.5e-45",
    "8388609.5",
    "1e38",
    "3.4028236e38",
    "=",
    "text",
    "a:b",
    "http://x/y",
    "a#b",
]
TAGS = ["", "! ", "!!int ", "!!float ", "!!str ", "!!bool ", "!!null ", "!!timestamp ", "!!binary "]
QUOTES = ["{}", "'{}'", '"{}"']

DOCUMENTS = [
    "",
    "# only a comment\n",
    "---\n---\n",
    "a: 1\n---\nb: 2\n",
    "a: 1\n--- # comment\nb: 2\n---   \n",
    "a: 1\n--- b\n",
    "a: &x {b: 1}\nc: *x\nd: [*x, *x]\n",
    "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
    "a: &x {b: 1}\nb: &y {b: 2, c: 3}\nd: {<<: [*x, *y]}\n",
    "a: &x {b: 1}\nb: &y {b: 2, c: 3}\nd: {<<: *x, <<: *y}\n",
    "d: {<<: 1}\n",
    "a: *x\n",
    "a: &x [*x]\n",
    "? a\n: b\n",
    "? [a]\n: b\n",
    "a: |\n  b\n  c\nd: >-\n  e\n  f\n",
    "a: 'b\n  c'\n",
    'a: "\\u00e9\\x41\\n"\n',
    "{on: 1, n: 2, 12:30: 3, 1.0: 4, 1e6: 5}\n",
    "a:\n- b\n-\n- c: d\n",
    "a: [b, c\n",
    "a:\n\t- b\n",
    '{"a": 1.0, "b": [true, null, "\\ud83d\\ude00"]}',
    '{"a": 1}\n{"a": 2}',
    '{\t"a":\t1e3}',
    "{a: 1, b: yes}\n",
    '{"a": 12345678901234567890, "b": -1e400}',
    "\ufeffa: 1\n",
    "a: 1\r\nb: 2\r\n---\r\nc: 3\r\n",
    "a: \u00e9\n",
    "- 1\n- 2\n",
    "text\n",
    "a: 1\n...\n",
    "%YAML 1.1\n---\na: 1\n",
    "a: !foo 12\nb: !foo {c: 1}\n",
    "!!str a: 1\n",
    "null: 1\n",
    "&k a: 1\nb: *k\n",
    "&k yes: 1\nb: {*k : *k}\n",
    "a: &k 1.0\n*k : 2\n",
    "a: &k [1]\n*k : 2\n",
    "a: &k <<\n*k : {b: 2}\n",
]


def _ours(text: str) -> list[Any] | str:
    """Read a text; an error's message where it can't be read."""
    findings = Findings("-")
    roots = read_documents(text.encode(), findings)
    return findings.found[0].message if findings.found else [root.to_json() for root in roots]


def _same(mine: Any, theirs: Any) -> bool:
    """Compare JSON values; Go writes large floats as digits, which Python reads as an int."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_same(mine[k], theirs[k]) for k in mine)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs))
    if isinstance(mine, float) and not isinstance(theirs, bool) and isinstance(theirs, int | float):
        return mine == float(theirs)
    return type(mine) is type(theirs) and bool(mine == theirs)


def _differences(texts: list[str]) -> list[tuple[str, Any, Any]]:
    found = []
    for text, theirs in zip(texts, kubectl_readings(texts), strict=True):
        mine = _ours(text)
        both_fail = isinstance(mine, str) and isinstance(theirs, str)
        if not both_fail and not _same(mine, theirs):
            found.append((text, mine, theirs))
    return found


def test_scalars_are_read_as_kubectl_reads_them() -> None:
    """Each word, with each tag and in each quote, is the same JSON value."""
    texts = [
        f"a: {tag}{quote.format(word)}\n" for word in WORDS for tag in TAGS for quote in QUOTES
    ]
    assert _differences(texts) == []


def test_keys_are_read_as_kubectl_reads_them() -> None:
    """Each word as a key has the same name: `yes` is `true`, `1.0` is `1`."""
    texts = [f"{quote.format(word)}: 1\n" for word in WORDS for quote in QUOTES]
    assert _differences(texts) == []


def test_documents_are_read_as_kubectl_reads_them() -> None:
    """Splitting, anchors, merges, blocks and JSON give the same documents, or an error in both."""
    assert _differences(DOCUMENTS) == []


SCALARS = st.text("0123456789_.eE+-xXbBoOaAfFnN~", min_size=1, max_size=10)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(SCALARS, min_size=400, max_size=400))
def test_made_up_scalars_are_read_as_kubectl_reads_them(words: list[str]) -> None:
    """Whatever looks like a number is the same number, as a value and as a key."""
    texts = [text for word in words for text in (f"a: {word}\n", f"{word}: 1\n")]
    assert _differences(texts) == []


def test_what_kubectl_lets_pass_is_refused() -> None:
    """Duplicate keys, and a merge over a key before it, are errors here and silent there."""
    texts = [
        "a: 1\na: 2\n",
        "on: 1\ntrue: 2\n",
        "x: &x {b: 1}\ny: {b: 2, <<: *x}\n",
        '{"a":1,"a":2}',
    ]
    for text, theirs in zip(texts, kubectl_readings(texts), strict=True):
        assert isinstance(theirs, list)
        assert isinstance(_ours(text), str)
